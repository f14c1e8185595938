import { subscribe } from 'node:diagnostics_channel';
import type { WebwireServerEvents } from 'nestjs-webwire';
import type { Failures } from '../failures.js';
import type { Counts } from '../reports.js';

/** Statuses of rejections by origins and limits, and of invalid upgrade requests of troublemakers. */
const EXPECTED_REFUSALS: ReadonlySet<number> = new Set([400, 403, 404, 405, 426, 503]);

/** Counts the events of the servers of all applications. */
export function observe(counts: Counts, failures: Failures): void {
  on('connection', () => {
    counts.connections++;
    counts.peak = Math.max(counts.peak, counts.connections - counts.disconnections);
  });
  on('disconnection', ({ reason }) => {
    counts.disconnections++;
    counts.reasons[reason] = (counts.reasons[reason] ?? 0) + 1;
  });
  on('violation', () => counts.violations++);
  on('drop', () => counts.drops++);
  on('refusal', ({ status, reason }) => {
    counts.refusals++;
    if (!EXPECTED_REFUSALS.has(status)) failures.add(`an upgrade was refused with ${status} ${reason}`);
  });
  on('shutdown', ({ isComplete }) => {
    counts.shutdowns++;
    if (!isComplete) failures.add('a shutdown was not complete in time');
  });
}

function on<Name extends keyof WebwireServerEvents>(
  name: Name,
  listen: (event: WebwireServerEvents[Name][0]) => void,
): void {
  subscribe(`nestjs-webwire:${name}`, (event) => listen(event as WebwireServerEvents[Name][0]));
}
