import type { AddressInfo } from 'node:net';
import { answer, readCpu } from '../process/answer.js';

/** Connections come from this machine only. */
export const HOST = '127.0.0.1';

/** Tells the benchmark where the server listens and, when asked, how much CPU time it has used. */
export function report(address: AddressInfo | string | null): void {
  const { port } = address as AddressInfo;
  answer({ port: () => port, readCpu });
}
