import { setTimeout as delay } from 'node:timers/promises';
import { PLATFORM_SOCKET_IO, PLATFORM_WS, RAW_WS, WEBWIRE, type Contender } from '../contenders.js';
import type { LoadTarget } from '../load/load.js';
import type { CpuReading } from '../process/answer.js';
import type { Stage } from '../stage.js';

/** The cost of idle connections. */
export interface IdleFigures {
  readonly name: string;
  /** Memory for each connection, in bytes. */
  readonly bytes: number;
  /** As a multiple of the reference's. */
  readonly ratio: number;
  /** Connections that the server can open per second of its CPU time. */
  readonly setUpRate: number;
}

const CONTENDERS: readonly Contender[] = [
  RAW_WS,
  { ...WEBWIRE, name: 'webwire, 1 handler', variant: '1' },
  { ...WEBWIRE, name: 'webwire, 100 handlers', variant: '100' },
  PLATFORM_WS,
  PLATFORM_SOCKET_IO,
];

const PATIENCE = 60_000;

/** Pause before memory is measured, in milliseconds: garbage of the opening is freed then. */
const SETTLING = 300;

/** Measures the cost of idle connections. */
export async function measureIdle(stage: Stage): Promise<IdleFigures[]> {
  const figures: IdleFigures[] = [];
  for (const contender of CONTENDERS) {
    process.stderr.write(`Idle connections: ${contender.name}\n`);
    const { bytes, setUpRate } = await measureOne(stage, contender);
    figures.push({ name: contender.name, bytes, setUpRate, ratio: bytes / (figures[0]?.bytes ?? bytes) });
  }
  return figures;
}

async function measureOne(stage: Stage, contender: Contender): Promise<{ bytes: number; setUpRate: number }> {
  const { child, port } = await stage.server(contender);
  const load = { kind: 'idle', depth: 1, port, exchange: contender.exchange } as const;
  const open = (connections: number) =>
    stage.generator.ask('begin', PATIENCE, { ...load, connections } satisfies LoadTarget);
  const close = async () => {
    await stage.generator.ask('end', PATIENCE);
    await delay(SETTLING);
  };
  const connections = stage.options.idleConnections;
  // Memory that only the first connections need does not count.
  await open(500);
  await close();
  const before = await child.ask<number>('memory', PATIENCE);
  const cpuBefore = await child.ask<CpuReading>('readCpu', PATIENCE);
  await open(connections);
  const cpuAfter = await child.ask<CpuReading>('readCpu', PATIENCE);
  await delay(SETTLING);
  const after = await child.ask<number>('memory', PATIENCE);
  await close();
  return { bytes: (after - before) / connections, setUpRate: (connections * 1000) / (cpuAfter.used - cpuBefore.used) };
}
