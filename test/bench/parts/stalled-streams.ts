import { setTimeout as delay } from 'node:timers/promises';
import { WEBWIRE_STREAMS } from '../contenders.js';
import type { LoadTarget } from '../load/load.js';
import type { Stage } from '../stage.js';

/** The memory of streams whose clients do not take their items. */
export interface StalledFigures {
  readonly name: string;
  /** Memory for each stream, in bytes. */
  readonly bytes: number;
  /** The same a second later: if it is more, something grows. */
  readonly later: number;
}

const CONNECTIONS = 20;
const STREAMS_PER_CONNECTION = 50;

export const STALLED_STREAMS = CONNECTIONS * STREAMS_PER_CONNECTION;

const CASES = [
  { name: 'the client reads, and grants no items', isReading: true },
  { name: 'the client reads nothing', isReading: false },
];

const PATIENCE = 60_000;

/** Pause before memory is measured, in milliseconds: the server has sent then what it may send. */
const SETTLING = 1_000;

/** Measures streams of large items, whose sources never end. */
export async function measureStalled(stage: Stage): Promise<StalledFigures[]> {
  const figures: StalledFigures[] = [];
  for (const { name, isReading } of CASES) {
    process.stderr.write(`Stalled streams: ${name}\n`);
    figures.push({ name, ...(await measureOne(stage, isReading)) });
    await stage.clear();
  }
  return figures;
}

async function measureOne(stage: Stage, isReading: boolean): Promise<{ bytes: number; later: number }> {
  const { child, port } = await stage.server(WEBWIRE_STREAMS);
  const { exchange } = WEBWIRE_STREAMS;
  const begin = (kind: 'idle' | 'stalled streams', depth: number) => {
    const target: LoadTarget = { kind, port, exchange, connections: CONNECTIONS, depth, isReading };
    return stage.generator.ask('begin', PATIENCE, target);
  };
  const memory = async () => {
    await delay(SETTLING);
    return child.ask<number>('memory', PATIENCE);
  };
  // The streams of a first round warm the server up: memory that only the first ones need does not count.
  await begin('stalled streams', 1);
  await stage.generator.ask('end', PATIENCE);
  await begin('idle', 1);
  const before = await memory();
  await stage.generator.ask('end', PATIENCE);
  await begin('stalled streams', STREAMS_PER_CONNECTION);
  const after = await memory();
  const later = await memory();
  await stage.generator.ask('end', PATIENCE);
  return { bytes: (after - before) / STALLED_STREAMS, later: (later - before) / STALLED_STREAMS };
}
