import { createHash, randomBytes } from 'node:crypto';
import { lstat, opendir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Age in ms beyond which a temporary file is removed even if its process still runs, as no write takes that long. */
const MAX_AGE = 60 * 60 * 1000;

/** Identifies the machine or container: two of them that share a directory can have processes with the same id. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** Differs for each load of this module, as later processes and worker threads can have the same process id. */
const RUN = randomBytes(8).toString('hex');

/** Host · process id · run · number. Has a dot, unlike any session key. */
const TEMPORARY_NAME = /^\.wwrsess-([\da-f]{8})-(\d{1,10})-([\da-f]{16})-\d+\.tmp$/;

let count = 0;

/** A unique name for a temporary file, which names the process that writes it. */
export function temporaryName(): string {
  return `.wwrsess-${HOST}-${process.pid}-${RUN}-${++count}.tmp`;
}

/**
 * Removes temporary files of processes that were killed. Never fails: a file that cannot be removed stays until the next
 * call.
 */
export async function removeLeftovers(directory: string): Promise<void> {
  try {
    for await (const { name } of await opendir(directory)) {
      const parts = TEMPORARY_NAME.exec(name);
      if (parts) await removeLeftover(join(directory, name), parts[1]!, Number(parts[2]), parts[3]!);
    }
  } catch {
    // If the directory does not exist, no file has to be removed. Other problems fail the next operation.
  }
}

async function removeLeftover(path: string, host: string, pid: number, run: string): Promise<void> {
  if (run === RUN) return;
  try {
    const { mtimeMs } = await lstat(path);
    if (Date.now() - mtimeMs > MAX_AGE || (host === HOST && isOver(pid, mtimeMs))) await rm(path);
  } catch {
    // Its writer has renamed it, or another process has removed it.
  }
}

/** True if the process that wrote a file on this machine at that time has ended. */
function isOver(pid: number, writtenAt: number): boolean {
  // In a container each run of a program can have the same id. Files older than this run are of earlier runs.
  if (pid === process.pid) return writtenAt < Date.now() - process.uptime() * 1000;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
