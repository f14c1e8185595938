import { defineConfig } from 'vitest/config';
import base from './vitest.base.js';
import { inProjects } from './vitest.projects.js';

export default defineConfig({ ...base, test: inProjects(base) });
