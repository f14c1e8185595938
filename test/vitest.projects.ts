import { availableParallelism } from 'node:os';
import type { UserWorkspaceConfig, ViteUserConfig } from 'vitest/config';

/** Tests that need a browser, Redis, proxies, the samples or the built package, or that start a compiler. */
const SYSTEM = [
  'test/{browser,redis,deployment}/**/*.spec.ts',
  'test/frameworks/frameworks.spec.ts',
  'test/e2e/!(transcripts).spec.ts',
  'test/docs/{commands,programs,testing-pages}.spec.ts',
  'test/package/{package,newcomer,two-copies}.spec.ts',
  'test/release/npm-version.spec.ts',
  'test/cli/types.spec.ts',
  'test/document/samples.spec.ts',
  'test/environments/**/*.spec.ts',
];

/** Tests that need a process of their own. */
const OWN_PROCESS = [
  'test/nest/internals/nest-parts.spec.ts', // replaces modules
  'test/client/{failure-details,web-sockets}.spec.ts', // load modules again, changed or without a global function
  'test/protocol/text.spec.ts', // likewise
  'test/react/*.spec.ts', // have a document
  'test/nest/session-directory.spec.ts', // changes process.argv
  'test/server/cost.spec.ts', // enables async hooks, after which promises have further properties
  'test/{client/chaos,server/hostile-extensions}.spec.ts', // measure memory
  'test/{opentelemetry/*,companions/sentry}.spec.ts', // set the context manager of the process
  'test/companions/{observe,pino}.spec.ts', // replace functions of other modules, or have one logger for the process
  'test/document/{code-first,contracts,document}.spec.ts', // load a parser that runs code of its own
];

/**
 * Divides the tests into projects: the test settings of a configuration that runs all of them.
 * @param settings The settings that all projects share. They are not inherited from the root, so that `--maxWorkers` applies.
 * @param setupFiles Files that run before each test file.
 */
export function inProjects(settings: UserWorkspaceConfig, setupFiles: readonly string[] = []): ViteUserConfig['test'] {
  const project = (test: UserWorkspaceConfig['test']): UserWorkspaceConfig => ({
    ...settings,
    test: { ...settings.test, ...test, setupFiles: [...setupFiles, ...[test?.setupFiles ?? []].flat()] },
  });
  return {
    ...settings.test,
    maxWorkers: availableParallelism(),
    // The projects of a group run in the order of their names, without a pause between them. Files that need a process of their
    // own are the first, so that the shared processes are started once.
    projects: [
      project({ name: 'unit-own-process', include: OWN_PROCESS }),
      // These share processes, since loading Nest takes longer than most of them run.
      project({
        name: 'unit-shared-process',
        exclude: [...SYSTEM, ...OWN_PROCESS],
        isolate: false,
        setupFiles: ['test/support/restore-globals.ts'],
      }),
      // These start programs and real servers, so they leave one core to them, and run after the others.
      project({
        name: 'system',
        include: SYSTEM,
        maxWorkers: Math.max(availableParallelism() - 1, 1),
        sequence: { groupOrder: 1 },
      }),
    ],
  };
}
