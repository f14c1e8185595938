import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const collect = findCollector();

/** Heap in use after garbage collection, in bytes. */
export async function heapInUse(): Promise<number> {
  for (let round = 0; round < 10; round++) {
    collect();
    await new Promise(setImmediate);
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function findCollector(): () => void {
  const { Bun } = globalThis as { Bun?: { gc(isSynchronous: boolean): void } };
  if (Bun) return () => Bun.gc(true);
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
