import { answer, readCpu } from '../process/answer.js';

/** Connections come from this machine only. */
export const HOST = '127.0.0.1';

/** Tells the benchmark where the server listens and, when asked, what it has used. */
export function report(address: unknown): void {
  const { port } = address as { port: number };
  answer({ port: () => port, readCpu, memory });
}

/** What is in use once all garbage is gone, in bytes. */
function memory(): number {
  for (let n = 0; n < 4; n++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
