import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { answer, cpuShare, readCpu } from '../process/answer.js';
import { openClients } from './client.js';
import type { LoadKind, LoadTarget, RunningLoad } from './load.js';
import { startNews } from './news-load.js';
import { startPaced } from './paced-load.js';
import { startRequests, startSignals } from './request-load.js';

export interface LoadResult {
  /** Milliseconds that were measured. */
  readonly duration: number;
  /** Replies or news that arrived. */
  readonly delivered: number;
  /** Round trips in milliseconds, of a paced load. */
  readonly latencies: readonly number[];
  /** The generator's own share of its core. Near 1 it may be the generator that is measured. */
  readonly cpu: number;
}

const STARTERS: Readonly<Record<LoadKind, (target: LoadTarget) => Promise<RunningLoad>>> = {
  idle: startIdle,
  requests: startRequests,
  signals: startSignals,
  news: startNews,
  paced: startPaced,
};

let load: RunningLoad | undefined;

/** Puts a server under load, which stays until `end`. Returns how long it took to connect, in milliseconds. */
async function begin(target: LoadTarget): Promise<number> {
  const start = performance.now();
  load = await STARTERS[target.kind](target);
  return performance.now() - start;
}

async function measure(milliseconds: number): Promise<LoadResult> {
  const before = readCpu();
  const start = performance.now();
  const delivered = load!.delivered;
  load!.takeLatencies();
  await delay(milliseconds);
  const latencies = load!.takeLatencies();
  return {
    duration: performance.now() - start,
    delivered: load!.delivered - delivered,
    latencies,
    cpu: cpuShare(before, readCpu()),
  };
}

async function end(): Promise<void> {
  await load?.stop();
  load = undefined;
}

async function startIdle({ port, exchange, connections }: LoadTarget): Promise<RunningLoad> {
  const clients = await openClients(port, exchange, connections);
  return {
    delivered: 0,
    takeLatencies: () => [],
    async stop() {
      for (const client of clients) client.close();
    },
  };
}

answer({ begin, measure, end });
