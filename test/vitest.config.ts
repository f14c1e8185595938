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

/** Tests that change their process, or measure it. */
const OWN_PROCESS = [
  'test/client/chaos.spec.ts', // measures the memory
  'test/nest/internals/nest-parts.spec.ts', // replaces modules
  'test/nest/session-directory.spec.ts', // changes process.argv
  'test/protocol/text.spec.ts', // loads a module twice
  'test/server/admission.spec.ts', // compares how Node.js prints promises, which AsyncLocalStorage changes
  'test/server/cost.spec.ts', // observes asynchronous resources
  'test/server/hold-up.spec.ts', // limits the speed of a connection
  'test/session/stores/file-session-directory.spec.ts', // changes process.argv and the current directory
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
      // Loading Nest and the sources takes longer than most of these files run, so they share processes.
      project({
        name: 'unit',
        exclude: [...SYSTEM, ...OWN_PROCESS],
        setupFiles: ['test/support/restore-globals.ts'],
      }),
      project({ name: 'unit-isolated', include: OWN_PROCESS }),
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
