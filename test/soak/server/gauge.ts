import { setTimeout as delay } from 'node:timers/promises';
import { getHeapCodeStatistics } from 'node:v8';
import type { Reading } from '../reports.js';

/** Most garbage collections per reading, and the pause after each one, in milliseconds. */
const MOST_COLLECTIONS = 25;
const PAUSE = 100;

/** The heap is stable if each of several collections shrinks it by less than this fraction. */
const REST = 0.001;
const RESTFUL_COLLECTIONS = 4;

/**
 * Reads the resources that the process uses.
 *
 * One collection does not free everything, as finalizers and closing handles release more after it. So collections are
 * repeated, with pauses, until the heap no longer shrinks. The smallest size counts.
 *
 * Compiled code does not count: the engine compiles and optimises functions for minutes, which takes more memory than most
 * leaks.
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

/** The resources that keep the process alive at present, by kind: sockets, servers, timers, … */
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
