import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const collect = findCollector();

/** Garbage collections until the heap counts as collected, as one of them may make more garbage for the next. */
const MOST_ROUNDS = 10;

/** Heap in use after garbage collection, in bytes. */
export async function heapInUse(): Promise<number> {
  let least = Infinity;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    collect();
    await new Promise(setImmediate);
    const { heapUsed, external } = process.memoryUsage();
    if (heapUsed + external >= least) break;
    least = heapUsed + external;
  }
  return least;
}

function findCollector(): () => void {
  const { Bun } = globalThis as { Bun?: { gc(isSynchronous: boolean): void } };
  if (Bun) return () => Bun.gc(true);
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
