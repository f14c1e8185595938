import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { CONTEXTS, contexts, pages } from './contexts.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Blocks that other tests compile and run: all of a page, or these. */
const RUN_ELSEWHERE: Readonly<Record<string, readonly number[] | 'all'>> = {
  'README.md': 'all', // test/e2e/first-programs.spec.ts
  'docs/getting-started.md': [1, 2], // the same
  'docs/client.md': [1, 2], // test/browser/first-page.spec.ts
  'docs/companions.md': 'all', // test/companions
  'docs/frameworks.md': 'all', // test/frameworks
  'docs/tanstack-query.md': 'all', // the same
  'docs/observability.md': [7], // test/companions/health.spec.ts
  'docs/testing-pages.md': 'all', // testing-pages.spec.ts
  'docs/testing.md': [3, 4, 5], // test/matrix/toolchains/test-runners.ts
  'docs/transports.md': [4], // test/transport/own-transport.spec.ts
};

/** Type-checks all contexts as one program, which takes some seconds. */
function check(): ts.Diagnostic[] {
  const { config } = ts.readConfigFile(`${ROOT}tsconfig.json`, (path) => ts.sys.readFile(path)) as { config: object };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  Object.assign(options, { noUnusedLocals: false, noUnusedParameters: false, jsx: ts.JsxEmit.ReactJSX });
  Object.assign(options, {
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.asynciterable.d.ts'],
    isolatedModules: false,
  });
  const host = ts.createCompilerHost(options);
  const readFile = host.readFile.bind(host);
  host.readFile = (path) => {
    const context = path.startsWith(CONTEXTS) ? contexts.get(path.slice(CONTEXTS.length)) : undefined;
    return context?.code ?? readFile(path);
  };
  const program = ts.createProgram({ rootNames: [...contexts.keys()].map((name) => CONTEXTS + name), options, host });
  const files = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(CONTEXTS));
  return files.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]);
}

describe('the TypeScript of the documents', () => {
  it.each([...pages].filter(([, blocks]) => blocks.length > 0))('is compiled: %s', (page, blocks) => {
    const elsewhere = RUN_ELSEWHERE[page] ?? [];
    const own = [...contexts.values()].filter((context) => context.page === page).flatMap((context) => context.blocks);
    const others = elsewhere === 'all' ? blocks.map((_, index) => index + 1) : elsewhere;
    // Of each block by one test.
    expect([...own, ...others].sort((a, b) => a - b)).toEqual(blocks.map((_, index) => index + 1));
  });

  it('compiles', () => {
    const errors = check().map(({ file, start, messageText }) => {
      const place = file && `${file.fileName.replace(ROOT, '')}: ${lineOf(file, start ?? 0)}`;
      return `${place}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
    expect(errors).toEqual([]);
  }, 60_000);
});

function lineOf(file: ts.SourceFile, start: number): string {
  const { line } = file.getLineAndCharacterOfPosition(start);
  return file.text.split('\n')[line]!.trim();
}
