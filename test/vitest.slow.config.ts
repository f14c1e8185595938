import { defineConfig } from 'vitest/config';
import config from './vitest.base.js';

/** Tests that must not run beside others: several servers have to elect a primary in time. */
export default defineConfig({ ...config, test: { ...config.test, include: ['test/**/*.slow.ts'], maxWorkers: 1 } });
