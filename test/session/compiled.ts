import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const LIB = new URL('../../lib/', import.meta.url);

/** The rooms that the session managers need at run time. */
const ROOMS = ['common', 'session'];

/**
 * Compiles the sources of the session managers into a directory, for processes that run without a build.
 * @returns Makes the specifier of a module from its path in `lib`, without extension.
 */
export function compileSessions(directory: string): (module: string) => string {
  const target = join(directory, 'compiled');
  mkdirSync(target);
  writeFileSync(join(target, 'package.json'), '{"type":"module"}');
  const compilerOptions: ts.CompilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  for (const room of ROOMS) {
    const files = readdirSync(new URL(room, LIB), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => name.endsWith('.ts'))) {
      const { outputText } = ts.transpileModule(readFileSync(new URL(`${room}/${file}`, LIB), 'utf8'), {
        compilerOptions,
      });
      const output = join(target, room, file.replace(/ts$/, 'js'));
      mkdirSync(dirname(output), { recursive: true });
      writeFileSync(output, outputText);
    }
  }
  return (module) => JSON.stringify(pathToFileURL(join(target, `${module}.js`)).href);
}
