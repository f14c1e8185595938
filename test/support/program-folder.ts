import { cp, mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const PROGRAMS = join(REPOSITORY, '.programs');

/** Makes a folder within the package, so that programs in it import the built package by its name. The caller removes it. */
export async function makeProgramFolder(prefix: string): Promise<string> {
  await mkdir(PROGRAMS, { recursive: true });
  return mkdtemp(join(PROGRAMS, prefix));
}

/** Makes a folder a project of ES modules that has installed a copy of the built package. */
export async function installCopy(folder: string, changes: { readonly version?: string } = {}): Promise<void> {
  const copy = join(folder, 'node_modules/nestjs-webwire');
  await mkdir(copy, { recursive: true });
  await cp(join(REPOSITORY, 'dist'), join(copy, 'dist'), { recursive: true });
  const manifest = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8')) as object;
  await writeFile(join(copy, 'package.json'), JSON.stringify({ ...manifest, ...changes }));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
}
