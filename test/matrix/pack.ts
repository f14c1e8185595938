import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Packs the built package. The name of the tarball has the hash of its content, so that npm never takes an older one from
 * its cache.
 * @returns Path of the tarball.
 */
export async function packPackage(root: string, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const { stdout } = await run('npm', args, { cwd: root });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const packed = join(folder, filename);
  const hash = createHash('sha256')
    .update(await readFile(packed))
    .digest('hex')
    .slice(0, 12);
  const tarball = join(folder, `nestjs-webwire-${hash}.tgz`);
  await rename(packed, tarball);
  return tarball;
}
