import { createHash, randomBytes } from 'node:crypto';
import { lstat, opendir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** Older temporary files are left over, even if their process still runs: no file takes that long to write. In ms. */
const MAX_AGE = 60 * 60 * 1000;

/** Two machines or containers that share a directory can have different processes with one id. */
const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);

/** Differs for each load of this module: a later process can have the id of this one, and worker threads have it now. */
const RUN = randomBytes(8).toString('hex');

/** Host · process id · run · number. Has a dot, unlike any session key. */
const TEMPORARY_NAME = /^\.wwrsess-([\da-f]{8})-(\d{1,10})-([\da-f]{16})-\d+\.tmp$/;

let count = 0;

/** A unique name for a temporary file, which names the process that writes it. */
export function temporaryName(): string {
  return `.wwrsess-${HOST}-${process.pid}-${RUN}-${++count}.tmp`;
}

/**
 * Removes temporary files that no process writes any more, because theirs was killed. Never fails: a file that cannot be
 * removed is left for the next time.
 */
export async function removeLeftovers(directory: string): Promise<void> {
  try {
    for await (const { name } of await opendir(directory)) {
      const parts = TEMPORARY_NAME.exec(name);
      if (parts) await removeLeftover(join(directory, name), parts[1]!, Number(parts[2]), parts[3]!);
    }
  } catch {
    // Without the directory there is nothing to remove. Other problems of it fail the operation that comes next.
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

/** True if the process has ended that wrote a file on this machine at that time. */
function isOver(pid: number, writtenAt: number): boolean {
  // In a container each run of a program can have the same id: older files are of earlier runs.
  if (pid === process.pid) return writtenAt < Date.now() - process.uptime() * 1000;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
