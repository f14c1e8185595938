import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { answer, cpuShare, readCpu } from '../process/answer.js';
import { openClients } from './client.js';
import type { LoadKind, LoadTarget, RunningLoad } from './load.js';
import { startNews } from './news-load.js';
import { startPaced } from './paced-load.js';
import { startPushes, startStalledStreams, startStreams } from './push-load.js';
import { startRequests, startSignals } from './request-load.js';

export interface LoadResult {
  /** Measured time, in milliseconds. */
  readonly duration: number;
  /** Number of received replies, news or items. */
  readonly delivered: number;
  /** Round trips of a paced load, in milliseconds. */
  readonly latencies: readonly number[];
  /** CPU share of the generator. Near 1, the generator may be the bottleneck. */
  readonly cpu: number;
}

const STARTERS: Readonly<Record<LoadKind, (target: LoadTarget) => Promise<RunningLoad>>> = {
  idle: startIdle,
  requests: startRequests,
  signals: startSignals,
  news: startNews,
  paced: startPaced,
  pushes: startPushes,
  streams: startStreams,
  'stalled streams': startStalledStreams,
};

let load: RunningLoad | undefined;

/** Begins a load, which runs until `end`. Returns the time to connect, in milliseconds. */
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
