import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, rename, rm, stat, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryName } from './temporary-file.js';

/** Does not follow symbolic links, and does not wait for the writer of a pipe. Windows has neither flag. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Errors of file systems and platforms that cannot flush a directory, or that allow it only to the owner of the directory. */
const CANNOT_FLUSH = new Set(['EACCES', 'EINVAL', 'EISDIR', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EPERM']);

/**
 * Reads a whole file.
 * @returns `undefined` if it is not a regular file, or larger than `maxSize` bytes.
 * @throws as `open` does: `ENOENT`, `ELOOP` for a symbolic link, ….
 */
export async function readFile(path: string, maxSize: number): Promise<Buffer | undefined> {
  const file = await open(path, READ_FLAGS);
  try {
    const stats = await file.stat();
    if (!stats.isFile() || stats.size > maxSize) return undefined;
    // One more byte than expected, to notice a file that grows while it is read.
    const buffer = Buffer.allocUnsafe(stats.size + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
    }
    return undefined;
  } finally {
    await file.close();
  }
}

/**
 * Writes a whole file, readable by its owner only. At any moment, also after a crash or a power cut, the file has either
 * its old or its new content. When the promise resolves, the new content is on the disk.
 * @param mustExist True to fail with `ENOENT` if the file does not exist just before it is replaced.
 */
export async function writeFile(path: string, content: Uint8Array, mustExist: boolean): Promise<void> {
  const temporary = join(dirname(path), temporaryName());
  // `x` fails for an existing name, so that no link is followed.
  const file = await open(temporary, 'wx', 0o600);
  try {
    await fill(file, content);
    if (mustExist) await lstat(path);
    await rename(temporary, path);
  } catch (error) {
    // The first failure is the one to report.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await flushDirectory(dirname(path));
}

/** Removes a file. When the promise resolves, the removal is on the disk. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path);
  await flushDirectory(dirname(path));
}

/**
 * Makes a directory that only its owner may use, and its missing parents. Does not change a directory that exists.
 * @throws as `mkdir` and `stat` do: `EEXIST` if something else has its name, `ENOTDIR` if a file is above it, ….
 */
export async function makeDirectory(directory: string): Promise<void> {
  const parent = dirname(directory);
  try {
    if (!(await makeOne(directory))) return;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' || syscall !== 'mkdir' || parent === directory) throw error;
    // The option `recursive` of `mkdir` never ends below /proc (Node.js 22 and 24).
    await makeDirectory(parent);
    if (!(await makeOne(directory))) return;
  }
  // The umask of the process may have removed permissions.
  await chmod(directory, 0o700);
  await flushDirectory(parent);
}

/**
 * @returns True if it was made; if not, it exists.
 * @throws as `mkdir` does; as `stat` for a symbolic link that leads nowhere.
 */
async function makeOne(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, 0o700);
    return true;
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    if (exists && (await stat(directory)).isDirectory()) return false;
    throw error;
  }
}

/**
 * Checks that files can be written and removed in a directory, by doing so.
 * @throws as `open` and `write` do: `EROFS`, `EACCES`, `ENOSPC`, ….
 */
export async function tryDirectory(directory: string): Promise<void> {
  const path = join(directory, temporaryName());
  const file = await open(path, 'wx', 0o600);
  try {
    await fill(file, new Uint8Array(1));
  } finally {
    await rm(path, { force: true });
  }
}

async function fill(file: FileHandle, content: Uint8Array): Promise<void> {
  try {
    // The umask of the process may have removed permissions.
    await file.chmod(0o600);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Flushes the names in a directory to the disk: flushing a file does not flush its name. */
async function flushDirectory(directory: string): Promise<void> {
  try {
    const handle = await open(directory, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (!CANNOT_FLUSH.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
