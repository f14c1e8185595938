import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';

const SOURCES = new URL('../../lib/session/', import.meta.url);

/**
 * Compiles the sessions' sources into a directory, for processes that run without a build.
 * @returns What to import a module of them by.
 */
export function compileSessions(directory: string): (module: string) => string {
  const target = join(directory, 'compiled');
  mkdirSync(target);
  writeFileSync(join(target, 'package.json'), '{"type":"module"}');
  const compilerOptions: ts.CompilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  for (const file of readdirSync(SOURCES).filter((name) => name.endsWith('.ts'))) {
    const { outputText } = ts.transpileModule(readFileSync(new URL(file, SOURCES), 'utf8'), { compilerOptions });
    writeFileSync(join(target, file.replace(/ts$/, 'js')), outputText);
  }
  return (module) => JSON.stringify(pathToFileURL(join(target, `${module}.js`)).href);
}
