import { defineConfig } from 'vitest/config';
import config from './vitest.config.js';

/** Tests that need a machine of their own: several servers that have to elect a master in time. */
export default defineConfig({ ...config, test: { ...config.test, include: ['test/**/*.slow.ts'], maxWorkers: 1 } });
