import { setTimeout as delay } from 'node:timers/promises';
import { spread, type Cell, type Comparison, type Row, type Table } from './cell.js';
import type { LoadResult } from './load/generator.js';
import type { LoadTarget } from './load/load.js';
import { cpuShare, type CpuReading } from './process/answer.js';
import type { Stage } from './stage.js';

/** What one server did under one load. */
interface Measurement {
  readonly rate: number;
  /** Milliseconds of CPU time of the server for each message. */
  readonly cpuPerMessage: number;
  readonly p50: number;
  readonly p99: number;
  readonly serverCpu: number;
  readonly generatorCpu: number;
}

/** How long a child may take to answer, in milliseconds, on top of what it was asked to wait. */
const PATIENCE = 30_000;

/** How long a server gets to see that its clients are gone, in milliseconds. */
const REST = 20;

/** Before each measurement, in milliseconds. */
const WARM_UP = 100;

/** Once for each cell, in milliseconds: until then the hot code of its server is being compiled. */
const FIRST_WARM_UP = 500;

/**
 * Measures all cells in turn, round after round, so that what else happens on the machine hits all of them.
 * Every second round goes backwards, against effects of the order.
 */
export async function compare(stage: Stage, { title, columns, cells }: Comparison): Promise<Table> {
  const { rounds, seconds } = stage.options;
  const measured = new Map<string, Measurement[]>(cells.map(({ name }) => [name, []]));
  for (const cell of cells) await measure(stage, cell, 0, FIRST_WARM_UP);
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`${title}: round ${round} of ${rounds}\n`);
    for (const cell of round % 2 === 1 ? cells : cells.toReversed()) {
      measured.get(cell.name)!.push(await measure(stage, cell, WARM_UP, seconds * 1000));
    }
  }
  return { title, columns, rows: cells.map((cell) => rowOf(cell, measured)) };
}

/** @throws Error if a server, or the load generator, fails. */
async function measure(stage: Stage, cell: Cell, warmUp: number, duration: number): Promise<Measurement> {
  const { contender, load, newsPerGo } = cell;
  const { generator } = stage;
  try {
    const { child, port } = await stage.server(contender, newsPerGo);
    const target: LoadTarget = { ...load, port, exchange: contender.exchange };
    await generator.ask('begin', PATIENCE, target);
    await delay(warmUp);
    const before = await child.ask<CpuReading>('readCpu', PATIENCE);
    const result = await generator.ask<LoadResult>('measure', PATIENCE + duration, duration);
    const after = await child.ask<CpuReading>('readCpu', PATIENCE);
    await generator.ask('end', PATIENCE);
    await delay(REST);
    const messages = result.delivered;
    if (messages === 0) throw new Error('nothing was delivered');
    const latencies = Float64Array.from(result.latencies).toSorted();
    return {
      rate: (messages * 1000) / result.duration,
      cpuPerMessage: (after.used - before.used) / messages,
      p50: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
      p99: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
      serverCpu: cpuShare(before, after),
      generatorCpu: result.cpu,
    };
  } catch (error) {
    throw new Error(`${contender.name} could not be measured`, { cause: error });
  }
}

/** Ratios are taken round by round, as two figures of one round have more in common than two medians. */
function rowOf({ name, base, rival, load }: Cell, measured: ReadonlyMap<string, readonly Measurement[]>): Row {
  const own = measured.get(name)!;
  const ratioTo = (other: string | undefined, figure: (measurement: Measurement) => number) => {
    const others = other === undefined ? undefined : measured.get(other);
    return others && spread(own.map((measurement, round) => figure(measurement) / figure(others[round]!)));
  };
  const isPaced = load.kind === 'paced';
  return {
    name,
    rate: spread(own.map(({ rate }) => rate)),
    ratio: ratioTo(base, ({ rate }) => rate),
    ratioPerCpu: ratioTo(base, ({ cpuPerMessage }) => 1 / cpuPerMessage),
    ratioToRival: ratioTo(rival, ({ rate }) => rate),
    cpuPerMessage: spread(own.map(({ cpuPerMessage }) => cpuPerMessage * 1000)),
    p50: isPaced ? spread(own.map(({ p50 }) => p50)) : undefined,
    p99: isPaced ? spread(own.map(({ p99 }) => p99)) : undefined,
    serverCpu: spread(own.map(({ serverCpu }) => serverCpu)).median,
    generatorCpu: spread(own.map(({ generatorCpu }) => generatorCpu)).median,
  };
}
