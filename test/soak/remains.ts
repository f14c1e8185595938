import type { Reading } from './reports.js';

/**
 * Memory may have grown by this part of itself, or by this many bytes where that is more: caches of Node.js and of the
 * engine, such as a pool for small buffers, come and go in pieces.
 */
const MOST_GROWTH = 0.1;
const SMALLEST_GROWTH = 512 * 1024;

type Resources = Reading['resources'];

/** What is in use at the end that was not at the start. */
export function compareReadings(start: Reading, end: Reading): string[] {
  const grown = (['heap', 'external', 'arrayBuffers'] as const).flatMap((part) => {
    const most = start[part] + Math.max(start[part] * MOST_GROWTH, SMALLEST_GROWTH);
    return end[part] > most ? [`${part} has grown from ${start[part]} to ${end[part]} bytes`] : [];
  });
  return [...grown, ...compareResources('while nobody was connected', start.resources, end.resources)];
}

/** Sockets, servers and timers that were not there before. */
export function compareResources(when: string, start: Resources, end: Resources): string[] {
  const [before, after] = [JSON.stringify(start), JSON.stringify(end)];
  return before === after ? [] : [`resources ${when}: ${before} have become ${after}`];
}
