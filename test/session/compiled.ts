import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const LIB = fileURLToPath(new URL('../../lib/', import.meta.url));

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
  const compilerOptions: ts.CompilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(LIB, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
  );
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(join(LIB, file), 'utf8'), { compilerOptions });
    const output = join(target, file.replace(/ts$/, 'js'));
    mkdirSync(dirname(output), { recursive: true });
    writeFileSync(output, outputText);
  }
  return (module) => JSON.stringify(pathToFileURL(join(target, `${module}.js`)).href);
}
