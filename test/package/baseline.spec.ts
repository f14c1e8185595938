import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The folders of the code that front ends bundle. */
const FOLDERS = ['client', 'contract', 'protocol', 'react'];

const PAGE = readFileSync(`${ROOT}docs/platforms.md`, 'utf8');

/** TypeScript's errors for a name that is not declared. */
const UNKNOWN_NAMES = new Set([2304, 2584]);

/**
 * The newest syntax of ES2022, which the Babel preset of React Native refuses: blocks in classes, and `await` outside of functions.
 */
function isNewest(node: ts.Node): boolean {
  if (ts.isClassStaticBlockDeclaration(node)) return true;
  const isAwait = ts.isAwaitExpression(node) || (ts.isForOfStatement(node) && node.awaitModifier !== undefined);
  return (isAwait && !ts.findAncestor(node, ts.isFunctionLike)) || ts.forEachChild(node, isNewest) === true;
}

/**
 * Compiles files for an engine that has ES2022, and returns the names that are not declared, and all other errors, among them
 * the newest syntax.
 */
function compile(files: readonly string[], host?: ts.CompilerHost): { names: string[]; errors: string[] } {
  const program = ts.createProgram({
    rootNames: files,
    options: {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts'],
      types: [],
      module: ts.ModuleKind.NodeNext,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
    },
    host,
  });
  const names = new Set<string>();
  const errors: string[] = [];
  for (const { code, messageText } of ts.getPreEmitDiagnostics(program)) {
    const message = ts.flattenDiagnosticMessageText(messageText, ' ');
    if (UNKNOWN_NAMES.has(code)) names.add(/'(.*?)'/.exec(message)![1]!);
    else errors.push(message);
  }
  for (const file of program.getSourceFiles().filter(({ isDeclarationFile }) => !isDeclarationFile)) {
    if (ts.forEachChild(file, isNewest)) errors.push(`${file.fileName}: syntax that React Native refuses`);
  }
  return { names: [...names].sort(), errors };
}

/** Compiles a text. */
function compileText(text: string): ReturnType<typeof compile> {
  const host = ts.createCompilerHost({});
  const original = host.getSourceFile.bind(host);
  host.getSourceFile = (name, target) =>
    name === 'text.ts' ? ts.createSourceFile(name, text, target, true) : original(name, target);
  return compile(['text.ts'], host);
}

describe('the code for front ends', () => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(`${ROOT}lib/${folder}`)
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${ROOT}lib/${folder}/${file}`),
  );

  it('is compiled to the syntax of ES2022, to which ES2023 adds only the first line of programs', () => {
    const { options } = ts.getParsedCommandLineOfConfigFile(
      `${ROOT}lib/tsconfig.json`,
      {},
      {
        ...ts.sys,
        onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
          throw new Error(ts.flattenDiagnosticMessageText(messageText, ' '));
        },
      },
    )!;
    expect(options.target).toBeLessThanOrEqual(ts.ScriptTarget.ES2023);
  });

  it('uses what ES2022 defines, and the globals that docs/platforms.md lists', () => {
    const { names, errors } = compile(files);
    expect(errors).toEqual([]);
    const [, listed] = /These globals have to exist:(.*?)\n\n/s.exec(PAGE)!;
    const needed = [...listed!.matchAll(/`(\w+)[\w.()]*`/g)].map(([, name]) => name);
    expect(new Set(needed)).toEqual(new Set(names));
  });

  it.each([
    ['a newer method', 'export const sorted = [2, 1].toSorted();', 'toSorted'],
    ['a block in a class', 'export class A { static { A.name; } }', 'React Native refuses'],
    ['await outside of functions', 'export const a = await (async () => await 1)();', 'React Native refuses'],
    ['a newer flag of a regular expression', 'export const letters = /[a-z]/v;', 'regular expression flag'],
  ])('would be found out if it used %s', (_what, text, message) => {
    expect(compileText(text).errors.join()).toContain(message);
  });

  it('would be found out if it used a global of some platforms', () => {
    expect(compileText('export const id = crypto.randomUUID(); structuredClone(document);').names).toEqual([
      'crypto',
      'document',
      'structuredClone',
    ]);
  });
});
