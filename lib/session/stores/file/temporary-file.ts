import { createHash, randomBytes } from 'node:crypto';
import { lstat, opendir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Whatever its process does: no file takes that long to write, in ms. */
const MAX_AGE = 60 * 60 * 1000;

/** Machines and containers that share a directory have the same process ids for different processes. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** A later process can have the id of this one, and a worker thread has it now: each load of this module differs. */
const RUN = randomBytes(8).toString('hex');

/** Host · process id · run · number. Has a dot, unlike any session key. */
const TEMPORARY_NAME = /^\.wwrsess-([\da-f]{8})-(\d{1,10})-([\da-f]{16})-\d+\.tmp$/;

let count = 0;

/** A name that no other file in any directory has, and that tells who is writing the file. */
export function temporaryName(): string {
  return `.wwrsess-${HOST}-${process.pid}-${RUN}-${++count}.tmp`;
}

/**
 * Removes the temporary files that nobody is writing any more: their process was killed. Whatever cannot be removed is
 * left for the next time: it is in nobody's way.
 */
export async function removeLeftovers(directory: string): Promise<void> {
  try {
    for await (const { name } of await opendir(directory)) {
      const parts = TEMPORARY_NAME.exec(name);
      if (parts) await removeLeftover(join(directory, name), parts[1]!, Number(parts[2]), parts[3]!);
    }
  } catch {
    // Without the directory there is nothing to remove; what else is wrong with it, the session's own operation tells.
  }
}

async function removeLeftover(path: string, host: string, pid: number, run: string): Promise<void> {
  if (run === RUN) return;
  try {
    const { mtimeMs } = await lstat(path);
    if (Date.now() - mtimeMs > MAX_AGE || (host === HOST && isOver(pid, mtimeMs))) await rm(path);
  } catch {
    // It is gone: its writer was faster, or another process removes leftovers too.
  }
}

/** Whether the process that wrote a file at that time, on this machine, does not live any more. */
function isOver(pid: number, writtenAt: number): boolean {
  // In a container every run has the same id: what is older than this run is of one before.
  if (pid === process.pid) return writtenAt < Date.now() - process.uptime() * 1000;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
