import { setTimeout as delay } from 'node:timers/promises';
import { spread, type Cell, type Comparison, type Row, type Table } from './cell.js';
import type { LoadResult } from './load/generator.js';
import type { LoadTarget } from './load/load.js';
import { cpuShare, type CpuReading } from './process/answer.js';
import type { Stage } from './stage.js';

/** The measured values of one server under one load. */
interface Measurement {
  readonly rate: number;
  /** CPU time of the server for each message, in milliseconds. */
  readonly cpuPerMessage: number;
  readonly p50: number;
  readonly p99: number;
  readonly serverCpu: number;
  readonly generatorCpu: number;
}

/** Timeout for the answer of a child process, in milliseconds, in addition to the requested duration. */
const PATIENCE = 30_000;

/** Pause after which the server has detected that its clients are gone, in milliseconds. */
const REST = 20;

/** Warm-up before each measurement, in milliseconds. */
const WARM_UP = 100;

/** Warm-up before the first measurement of a cell, in milliseconds: the engine optimises the hot code of the server. */
const FIRST_WARM_UP = 500;

/** Measurements of a cell, and of its base right before or after. */
interface Pair {
  readonly own: Measurement;
  readonly base: Measurement | undefined;
}

/**
 * Measures all cells in turn, round after round, each one next to its base, so that other work of the machine affects both.
 * Every second round has the reverse order, against effects of the order.
 */
export async function compare(stage: Stage, { title, columns, cells }: Comparison): Promise<Table> {
  const { rounds, seconds } = stage.options;
  const measured = new Map<string, Pair[]>(cells.map(({ name }) => [name, []]));
  const run = (cell: Cell) => measure(stage, cell, WARM_UP, seconds * 1000);
  for (const cell of cells) await measure(stage, cell, 0, FIRST_WARM_UP);
  for (let round = 1; round <= rounds; round++) {
    process.stderr.write(`${title}: round ${round} of ${rounds}\n`);
    const isForward = round % 2 === 1;
    for (const cell of isForward ? cells : cells.toReversed()) {
      const base = cell.base === cell.name ? undefined : cells.find(({ name }) => name === cell.base);
      const before = base && isForward ? await run(base) : undefined;
      const own = await run(cell);
      const after = base && !isForward ? await run(base) : undefined;
      measured.get(cell.name)!.push({ own, base: cell.base === cell.name ? own : (before ?? after) });
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

/** Ratios are computed for each round, because figures of one round are more comparable than two medians. */
function rowOf({ name, rival, load }: Cell, measured: ReadonlyMap<string, readonly Pair[]>): Row {
  const pairs = measured.get(name)!;
  const own = pairs.map((pair) => pair.own);
  const rivals = rival === undefined ? undefined : measured.get(rival)?.map((pair) => pair.own);
  const ratio = (others: readonly (Measurement | undefined)[] | undefined, figure: (of: Measurement) => number) =>
    others?.[0] && spread(own.map((measurement, round) => figure(measurement) / figure(others[round]!)));
  const bases = pairs.map(({ base }) => base);
  const isPaced = load.kind === 'paced';
  return {
    name,
    rate: spread(own.map(({ rate }) => rate)),
    ratio: ratio(bases, ({ rate }) => rate),
    ratioPerCpu: ratio(bases, ({ cpuPerMessage }) => 1 / cpuPerMessage),
    ratioToRival: ratio(rivals, ({ rate }) => rate),
    cpuPerMessage: spread(own.map(({ cpuPerMessage }) => cpuPerMessage * 1000)),
    p50: isPaced ? spread(own.map(({ p50 }) => p50)) : undefined,
    p99: isPaced ? spread(own.map(({ p99 }) => p99)) : undefined,
    serverCpu: spread(own.map(({ serverCpu }) => serverCpu)).median,
    generatorCpu: spread(own.map(({ generatorCpu }) => generatorCpu)).median,
  };
}
