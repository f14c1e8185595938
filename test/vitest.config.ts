import { availableParallelism } from 'node:os';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import base from './vitest.base.js';

/** Tests that need a browser, Redis, the samples or the built package, or that start a compiler. */
const SYSTEM = [
  'test/{browser,redis}/**/*.spec.ts',
  'test/e2e/!(transcripts).spec.ts',
  'test/package/package.spec.ts',
  'test/release/npm-version.spec.ts',
];

/** Tests of the folder `nest` that share processes, since loading Nest takes longer than most of them run. */
const NEST = ['test/nest/**/*.spec.ts'];

/** Tests that change their process. */
const OWN_PROCESS = [
  'test/nest/internals/nest-parts.spec.ts', // replaces modules
  'test/nest/session-directory.spec.ts', // changes process.argv
];

/** A part of the tests. `base` is not inherited from the root, so that `--maxWorkers` applies. */
function project(test: TestProjectInlineConfiguration['test']): TestProjectInlineConfiguration {
  return { ...base, test: { ...base.test, ...test } };
}

export default defineConfig({
  ...base,
  test: {
    ...base.test,
    maxWorkers: availableParallelism(),
    projects: [
      project({
        name: 'unit-nest',
        include: NEST,
        exclude: OWN_PROCESS,
        isolate: false,
        setupFiles: ['test/support/restore-globals.ts'],
      }),
      project({ name: 'unit', exclude: [...SYSTEM, ...NEST] }),
      project({ name: 'unit-own-process', include: OWN_PROCESS }),
      // These start programs and real servers, so they leave one core to them, and run after the others.
      project({
        name: 'system',
        include: SYSTEM,
        maxWorkers: Math.max(availableParallelism() - 1, 1),
        sequence: { groupOrder: 1 },
      }),
    ],
  },
});
