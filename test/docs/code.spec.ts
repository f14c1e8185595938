import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { DECISIONS } from './blocks.js';
import { CONTEXTS, contexts, pages } from './contexts.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
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
    const own = [...contexts.values()].filter((context) => context.page === page).flatMap(({ excerpts }) => excerpts);
    const compiled = new Set(own.map(({ block }) => `ts ${block}`));
    const others = Object.entries(DECISIONS[page] ?? {}).flatMap(([name, decision]) => ('in' in decision ? name : []));
    const all = new Set([...compiled, ...others]);
    expect(blocks.map((_, index) => `ts ${index + 1}`).filter((name) => !all.has(name))).toEqual([]);
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
