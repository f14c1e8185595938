import { setTimeout as delay } from 'node:timers/promises';
import type { Contender } from './contenders.js';
import type { LoadResult, LoadTarget } from './load/generator.js';
import { cpuShare, type CpuReading } from './process/answer.js';
import type { Child } from './process/child.js';

/** A contender whose server runs. */
export interface RunningContender {
  readonly contender: Contender;
  readonly server: Child;
  readonly port: number;
}

/** What one server did under one load. */
export interface Measurement {
  readonly requestsPerSecond: number;
  /** Share of its core that the server used; far below 1 it was waiting for something. */
  readonly serverCpu: number;
  /** Share of its core that the load generator used. */
  readonly generatorCpu: number;
}

export interface Load {
  readonly inFlight: number;
  /** Milliseconds under load before the measurement, for compiler and caches. */
  readonly warmUp: number;
  /** Milliseconds to measure. */
  readonly duration: number;
}

/** How long a child may take to answer, in milliseconds, on top of what it was asked to wait. */
const PATIENCE = 10_000;

/** How long a server gets to see that its clients are gone, in milliseconds. */
const REST = 20;

/**
 * Measures one server.
 * @throws Error if a server, or the load generator, fails.
 */
export async function measure(
  generator: Child,
  { contender, server, port }: RunningContender,
  { inFlight, warmUp, duration }: Load,
): Promise<Measurement> {
  const target: LoadTarget = { port, exchange: contender.exchange, inFlight };
  try {
    await generator.ask('begin', PATIENCE, target);
    await delay(warmUp);
    const before = await server.ask<CpuReading>('readCpu', PATIENCE);
    const { requestsPerSecond, cpu } = await generator.ask<LoadResult>('measure', PATIENCE + duration, duration);
    const after = await server.ask<CpuReading>('readCpu', PATIENCE);
    await generator.ask('end', PATIENCE);
    await delay(REST);
    if (requestsPerSecond === 0) throw new Error('no replies came');
    return { requestsPerSecond, serverCpu: cpuShare(before, after), generatorCpu: cpu };
  } catch (error) {
    throw new Error(`${contender.name} could not be measured`, { cause: error });
  }
}
