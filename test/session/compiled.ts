import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const LIB = fileURLToPath(new URL('../../lib/', import.meta.url));

/** The compiled files of `lib`, since compiling takes long: test files of one process compile each of them once. */
const compiled = new Map<string, string>();

/** The folders of `lib` that the session stores import. */
const FOLDERS = ['common', 'protocol', 'session'];

/**
 * Compiles the sources of sessions into a directory, for processes that run without a build.
 * @returns A function that takes a module, such as `session/stores/memory-session-manager`, and returns what to import it by.
 */
export function compileSessions(directory: string): (module: string) => string {
  const target = join(directory, 'compiled');
  mkdirSync(target);
  writeFileSync(join(target, 'package.json'), '{"type":"module"}');
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(LIB, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const output = join(target, file.replace(/ts$/, 'js'));
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, compile(file));
  }
  return (module) => JSON.stringify(pathToFileURL(join(target, `${module}.js`)).href);
}

function compile(file: string): string {
  const known = compiled.get(file);
  if (known !== undefined) return known;
  const compilerOptions: ts.CompilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const { outputText } = ts.transpileModule(readFileSync(join(LIB, file), 'utf8'), { compilerOptions });
  compiled.set(file, outputText);
  return outputText;
}
