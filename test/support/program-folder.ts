import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../.programs/', import.meta.url));

/** Makes a folder within the package, so that programs in it import the built package by its name. The caller removes it. */
export async function makeProgramFolder(prefix: string): Promise<string> {
  await mkdir(ROOT, { recursive: true });
  return mkdtemp(join(ROOT, prefix));
}
