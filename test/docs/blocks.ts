import type { Decision } from './commands.js';
import { contexts, withImports } from './contexts.js';
import { readDocuments } from './documents.js';

/** Languages that are counted together, as contexts do. */
const TYPESCRIPT: ReadonlySet<string> = new Set(['ts', 'tsx']);

/** A block of code, by its language and its number among those of the language on the page: `ts 2`, `json 1`. */
export interface Block {
  readonly name: string;
  readonly language: string;
  readonly code: string;
}

/** The blocks of each page that has some, but for those of shell code, of which each command has a row in commands.ts. */
export const BLOCKS: ReadonlyMap<string, readonly Block[]> = new Map(
  [...readDocuments().values()].flatMap(({ path, blocks }) => {
    const counts = new Map<string, number>();
    const named = blocks
      .filter(({ language }) => language !== 'sh')
      .map(({ language, code }) => {
        const kind = TYPESCRIPT.has(language) ? 'ts' : language || 'text';
        const count = (counts.get(kind) ?? 0) + 1;
        counts.set(kind, count);
        return { name: `${kind} ${count}`, language, code };
      });
    return named.length > 0 ? [[path, named] as const] : [];
  }),
);

/** The blocks whose every line is in programs that programs.spec.ts runs, by page. */
export function blocksThatRun(): Map<string, Set<string>> {
  const programs = [...contexts]
    .filter(([, { output }]) => output !== undefined)
    .flatMap(([name]) => withImports(name));
  const lines = new Map<string, Set<number>>();
  for (const { page, excerpts } of [...new Set(programs)].map((name) => contexts.get(name)!)) {
    for (const excerpt of excerpts) {
      const key = `${page} ts ${excerpt.block}`;
      lines.set(key, new Set([...(lines.get(key) ?? []), ...excerpt.lines]));
    }
  }
  return new Map(
    [...BLOCKS].map(([page, blocks]) => {
      const whole = blocks.filter(({ name, code }) => {
        const run = lines.get(`${page} ${name}`);
        return run && code.split('\n').every((line, index) => line.trim() === '' || run.has(index + 1));
      });
      return [page, new Set(whole.map(({ name }) => name))];
    }),
  );
}

const FIRST_PROGRAMS = 'test/e2e/first-programs.spec.ts';
const NEWCOMER = 'test/package/newcomer.spec.ts';
const TEST_RUNNERS = 'test/matrix/toolchains/test-runners.ts';
const DIAGRAM: Decision = { in: 'test/browser/diagrams.spec.ts', as: "language === 'mermaid'" };

/** A module of test/companions with the code of the block, as documents.spec.ts there compares, and the test that runs it. */
const companion = (name: string): Decision => ({ in: `test/companions/${name}.spec.ts`, as: `'./${name}.module.js'` });

/** Files of test/frameworks, into which docs.spec.ts there puts the blocks of the page, and no others. */
const framework: Decision = { in: 'test/frameworks/frameworks.spec.ts', as: 'docs/frameworks.md' };

/** Files that the page names: the test takes all of them. */
const testingPages: Decision = { in: 'test/docs/testing-pages.spec.ts', as: 'docs/testing-pages.md' };

const numbered = (kind: string, count: number, decision: Decision) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${kind} ${index + 1}`, decision]));

/** The tests that run the blocks that are in no program of `contexts`, or the reasons why none does. */
export const DECISIONS: Readonly<Record<string, Readonly<Record<string, Decision>>>> = {
  'README.md': numbered('ts', 3, { in: FIRST_PROGRAMS, as: "new Document('README.md')" }),
  'docs/client.md': {
    'json 1': {
      not: 'is one setting for tsx, which is not installed: test/browser/first-page.spec.ts compiles with it',
    },
    'ts 1': { in: 'test/browser/first-page.spec.ts', as: "'A server to practise with'" },
    'ts 2': { in: 'test/browser/first-page.spec.ts', as: "'The page'" },
  },
  'docs/companions.md': {
    'ts 1': companion('throttler'),
    'ts 2': companion('cls'),
    'ts 3': companion('cls'),
    'ts 4': companion('pino'),
    'ts 5': companion('jwt'),
    'ts 6': companion('cqrs'),
    'ts 7': companion('event-emitter'),
    'ts 8': companion('schedule'),
    'ts 9': companion('i18n'),
    'ts 10': companion('cache'),
  },
  'docs/deployment.md': {
    'mermaid 1': DIAGRAM,
    'nginx 1': { in: 'test/deployment/documents.spec.ts', as: "blockOf('nginx')" },
    'yaml 1': { in: 'test/deployment/documents.spec.ts', as: "blockOf('yaml')" },
  },
  'docs/frameworks.md': { ...numbered('ts', 8, framework), 'vue 1': framework, 'svelte 1': framework },
  'docs/getting-started.md': {
    'json 1': { in: NEWCOMER, as: "page.codeBlocks('Install', 'json')" },
    'ts 1': { in: FIRST_PROGRAMS, as: "new Document('docs/getting-started.md')" },
    'ts 2': { in: FIRST_PROGRAMS, as: "new Document('docs/getting-started.md')" },
  },
  'docs/handlers.md': { 'mermaid 1': DIAGRAM },
  'docs/moving-from-webwire-go.md': {
    'go 1': {
      not: 'is code of another library in Go, which readers have already: the tests need neither Go nor its modules',
    },
  },
  'docs/observability.md': { 'ts 8': companion('health') },
  'docs/redis.md': { 'text 1': { in: 'test/redis/permissions.spec.ts', as: 'user webwire on >password' } },
  'docs/sessions.md': { 'mermaid 1': DIAGRAM },
  'docs/tanstack-query.md': numbered('ts', 2, { ...framework, as: 'docs/tanstack-query.md' }),
  'docs/testing-pages.md': { ...numbered('ts', 7, testingPages), 'js 1': testingPages },
  'docs/testing.md': {
    'js 1': { in: TEST_RUNNERS, as: 'vitest.config.mjs' },
    'ts 4': { in: TEST_RUNNERS, as: 'src/greeting.test.ts' },
    'ts 5': { in: TEST_RUNNERS, as: 'src/timers.test.ts' },
    'ts 6': { in: TEST_RUNNERS, as: 'src/failing.test.ts' },
    'json 1': { in: TEST_RUNNERS, as: '### CommonJS' },
    'json 2': { in: TEST_RUNNERS, as: '"ts-jest"' },
    'json 3': { in: TEST_RUNNERS, as: '### ES modules' },
    'text 1': { in: TEST_RUNNERS, as: 'printedRecord(page)' },
  },
  'docs/transports.md': {
    'ts 3': { in: 'test/bun/start.spec.ts', as: 'docs/transports.md' },
    'ts 4': { in: 'test/transport/own-transport.spec.ts', as: 'docs/transports.md' },
  },
  'lib/redis/STATES.md': numbered('mermaid', 2, DIAGRAM),
  'test/matrix/README.md': {
    'ts 1': {
      not: 'is an example of a row: the rows themselves, such as those of test/matrix/toolchains/swc.ts, are run',
    },
  },
};
