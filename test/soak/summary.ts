import type { World } from './load/world.js';
import type { Reading, ServerReport } from './reports.js';

interface Run {
  readonly world: World;
  readonly report: ServerReport;
  readonly start: Reading;
  readonly end: Reading;
  /** In milliseconds. */
  readonly duration: number;
  readonly seed: number;
}

/** A summary of the run in a few lines. */
export function summarize({ world, report: { counts }, start, end, duration, seed }: Run): string {
  const { tally, restarts, sessions, pulse } = world;
  const reasons = Object.entries(counts.reasons).map(([reason, count]) => `${count} ${reason}`);
  const lines: readonly (readonly [label: string, value: string])[] = [
    ['connections', `${counts.connections}, ${counts.peak} at once; ${tally.raw} more over raw TCP`],
    ['ended by', reasons.join(', ')],
    ['requests', `${tally.requests} by ${tally.opened} clients; ${counts.handlers} handlers ran`],
    [
      'replies',
      `${tally.replies}, of them ${tally.shutdowns} of a shutdown; ${tally.unanswered} connections ended first`,
    ],
    ['signals', `${tally.signals} received`],
    ['sessions', `${sessions.created} created`],
    ['restarts', `${restarts.count}, shutdowns of servers ${counts.shutdowns}`],
    ['violations', `${counts.violations}, of them ${tally.violations} by clients`],
    ['drops', `${counts.drops}`],
    ['refusals', `${counts.refusals}, seen by clients ${tally.refused}`],
    ['heap', `${megabytes(start.heap)} at the start, ${megabytes(end.heap)} at the end`],
    ['code', `${megabytes(start.code)} at the start, ${megabytes(end.code)} at the end`],
    ['external', `${megabytes(start.external)} at the start, ${megabytes(end.external)} at the end`],
    ['buffers', `${megabytes(start.arrayBuffers)} at the start, ${megabytes(end.arrayBuffers)} at the end`],
    ['duration', `${(duration / 1000).toFixed(1)} s, at a standstill for ${pulse.longest} ms at most; seed ${seed}`],
  ];
  return lines.map(([label, value]) => `  ${label.padEnd(12)} ${value}\n`).join('');
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(2)} MB`;
}
