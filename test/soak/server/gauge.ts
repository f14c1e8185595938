import { setTimeout as delay } from 'node:timers/promises';
import { getHeapCodeStatistics } from 'node:v8';
import type { Reading } from '../reports.js';

/** Collections per reading at most, and how long each gets to let go of what it found, in milliseconds. */
const MOST_COLLECTIONS = 25;
const PAUSE = 100;

/** A heap that shrinks by less than this part of itself in each of so many collections has come to rest. */
const REST = 0.001;
const RESTFUL_COLLECTIONS = 4;

/**
 * Reads what the process has in use.
 *
 * One collection does not find everything: finalizers and closing handles let go of more after it. So collections are
 * repeated, with pauses, until the heap no longer shrinks; the least of it is what is really held.
 *
 * Compiled code is counted apart. For minutes the engine compiles one more function here and another one better there,
 * which takes more memory than most leaks and has nothing to do with them.
 */
export async function read(): Promise<Reading> {
  globalThis.gc!();
  let least = memory();
  let restful = 0;
  for (let collection = 0; collection < MOST_COLLECTIONS && restful < RESTFUL_COLLECTIONS; collection++) {
    globalThis.gc!();
    await delay(PAUSE);
    globalThis.gc!();
    const now = memory();
    restful = now.heap > least.heap * (1 - REST) ? restful + 1 : 0;
    least = {
      heap: Math.min(now.heap, least.heap),
      code: now.code,
      external: Math.min(now.external, least.external),
      arrayBuffers: Math.min(now.arrayBuffers, least.arrayBuffers),
    };
  }
  return { ...least, resources: readResources() };
}

/** What keeps the process alive just now, by kind: sockets, servers, timers, … */
export function readResources(): Reading['resources'] {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo().toSorted()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function memory(): Omit<Reading, 'resources'> {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  const { code_and_metadata_size: machineCode, bytecode_and_metadata_size: bytecode } = getHeapCodeStatistics();
  const code = machineCode + bytecode;
  return { heap: heapUsed - code, code, external, arrayBuffers };
}
