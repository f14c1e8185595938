import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Numbers of the cores to which the two sides of a measurement are pinned. */
export interface Cores {
  readonly server: number;
  readonly generator: number;
}

/**
 * Returns two cores that this process may use. `undefined` if processes cannot be pinned: without `taskset`, or with a
 * single core; the figures are then noisier.
 */
export function findCores(): Cores | undefined {
  if (spawnSync('taskset', ['--version']).status !== 0) return undefined;
  const allowed = allowedCores();
  const [server, generator] = [allowed.at(0), allowed.at(-1)];
  return server === undefined || generator === undefined || server === generator ? undefined : { server, generator };
}

/** Parses the list of Linux, such as `0-3,8`. */
function allowedCores(): number[] {
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return list.split(',').flatMap((range) => range.split('-').map(Number));
}
