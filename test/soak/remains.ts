import type { Reading } from './reports.js';

/**
 * Largest allowed growth of memory: this fraction of itself, or this many bytes if that is more. Caches of Node.js and of
 * the engine, such as a pool for small buffers, are allocated and freed in large pieces.
 */
const MOST_GROWTH = 0.1;
const SMALLEST_GROWTH = 512 * 1024;

type Resources = Reading['resources'];

/** Lists resources that are in use at the end but were not at the start. */
export function compareReadings(start: Reading, end: Reading): string[] {
  const grown = (['heap', 'external', 'arrayBuffers'] as const).flatMap((part) => {
    const most = start[part] + Math.max(start[part] * MOST_GROWTH, SMALLEST_GROWTH);
    return end[part] > most ? [`${part} has grown from ${start[part]} to ${end[part]} bytes`] : [];
  });
  return [...grown, ...compareResources('while nobody was connected', start.resources, end.resources)];
}

/** Lists sockets, servers and timers that did not exist before. */
export function compareResources(when: string, start: Resources, end: Resources): string[] {
  const [before, after] = [JSON.stringify(start), JSON.stringify(end)];
  return before === after ? [] : [`resources ${when}: ${before} have become ${after}`];
}
