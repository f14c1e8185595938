import { answer, readCpu } from '../process/answer.js';

/** Connections come from this machine only. */
export const HOST = '127.0.0.1';

/** Reports the address of the server to the benchmark and, on request, the resources that it used. */
export function report(address: unknown): void {
  const { port } = address as { port: number };
  answer({ port: () => port, readCpu, memory });
}

/** Memory in use after garbage collection, in bytes. */
export function memory(): number {
  for (let n = 0; n < 4; n++) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
