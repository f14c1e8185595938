import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Exchange } from '../exchanges.js';
import { answer, cpuShare, readCpu } from '../process/answer.js';
import { Client } from './client.js';
import { CONNECTIONS } from './connections.js';

export interface LoadTarget {
  readonly port: number;
  readonly exchange: Exchange;
  readonly inFlight: number;
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  /** The generator's own share of its core. Near 1 it is the generator that is measured. */
  readonly cpu: number;
}

let clients: Client[] = [];
let replies = 0;

function onReplies(count: number): void {
  replies += count;
}

/** Puts a server under load, which stays until `end`. */
async function begin(target: LoadTarget): Promise<void> {
  clients = Array.from({ length: CONNECTIONS }, () => new Client({ ...target, onReplies }));
  await Promise.all(clients.map((client) => client.open()));
  for (const client of clients) client.start();
}

async function measure(milliseconds: number): Promise<LoadResult> {
  const before = readCpu();
  const start = performance.now();
  replies = 0;
  await delay(milliseconds);
  const requestsPerSecond = (replies * 1000) / (performance.now() - start);
  return { requestsPerSecond, cpu: cpuShare(before, readCpu()) };
}

async function end(): Promise<void> {
  await Promise.all(clients.map((client) => client.stop()));
  clients = [];
}

answer({ begin, measure, end });
