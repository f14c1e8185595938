import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, rename, rm, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { temporaryName } from './temporary-file.js';

/** Neither follows a link out of the directory nor waits for the writer of a pipe. Windows has neither flag. */
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/** Of file systems and platforms that cannot flush a directory, or let only its owner. */
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
    // One byte more shows whether it has grown meanwhile.
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
 * Writes a whole file, readable by its owner only, so that at any moment, a crash or a power cut included, it is there
 * as it was before or as it is after. When the promise resolves, it lasts.
 * @param mustExist Whether to fail with `ENOENT` if the file is not there any more just before it is replaced.
 */
export async function writeFile(path: string, content: Uint8Array, mustExist: boolean): Promise<void> {
  const temporary = join(dirname(path), temporaryName());
  // Exclusive, so that it follows no link that somebody put there.
  const file = await open(temporary, 'wx', 0o600);
  try {
    await fill(file, content);
    if (mustExist) await lstat(path);
    await rename(temporary, path);
  } catch (error) {
    // The first failure counts.
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  await flushDirectory(dirname(path));
}

/** Removes a file for good. */
export async function removeFile(path: string): Promise<void> {
  await unlink(path);
  await flushDirectory(dirname(path));
}

/** Makes a directory that only its owner may use, and those above it. One that is there already is left as it is. */
export async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  // Whatever the umask of the process takes away.
  await chmod(directory, 0o700);
  for (let made = directory; made.length >= first.length; made = dirname(made)) await flushDirectory(dirname(made));
}

async function fill(file: FileHandle, content: Uint8Array): Promise<void> {
  try {
    // Whatever the umask of the process takes away.
    await file.chmod(0o600);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in a directory last: flushing a file does not flush its name. */
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
