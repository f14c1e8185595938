import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startRedis } from '../cluster/redis.js';
import { spread } from '../cell.js';
import { webwire } from '../exchanges.js';
import type { LoadResult } from '../load/generator.js';
import type { LoadTarget } from '../load/load.js';
import type { CpuReading } from '../process/answer.js';
import { Child } from '../process/child.js';

const USAGE = `Usage: npm run bench:cores -- [options]

  --processes <n>  processes that share a port, compared with one (default: 2)
  --seconds <n>    measured seconds in each round (default: 2)
  --rounds <n>     rounds (default: 5)
  --help           show this
`;

const PATIENCE = 30_000;
const WARM_UP = 1_000;
const CONNECTIONS = 100;
const DEPTH = 16;

interface Line {
  readonly name: string;
  readonly args: readonly string[];
  readonly rates: number[];
  /** Of all processes of the server, for each request, in microseconds. */
  readonly cpu: number[];
}

const { values } = parseArgs({
  options: {
    processes: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    help: { type: 'boolean', default: false },
  },
});
const [processes, seconds, rounds] = [values.processes, values.seconds, values.rounds].map(Number);
if (values.help || !(processes! > 0 && seconds! > 0 && rounds! > 0)) {
  process.stdout.write(USAGE);
  process.exit(values.help ? 0 : 2);
}

/** `reusePort` came with Node.js 23.1. Without it, a second process cannot listen. */
const [major = 0] = process.versions.node.split('.').map(Number);

function lineOf(name: string, ...args: string[]): Line {
  return { name, args, rates: [], cpu: [] };
}

/** Measures the requests of as many load generators as there are processes. */
async function measure({ args, rates, cpu }: Line): Promise<void> {
  const start = (file: string, label: string, own: readonly string[] = []) =>
    new Child({ label, file: new URL(file, import.meta.url), args: own, core: undefined });
  const server = start('server.js', 'the server', args);
  const generators = Array.from({ length: Number(args[0]) }, () => start('../load/generator.js', 'the load'));
  try {
    const port = await server.ask<number>('port', PATIENCE);
    const connections = CONNECTIONS / generators.length;
    const target: LoadTarget = { kind: 'requests', port, exchange: webwire(32), connections, depth: DEPTH };
    await Promise.all(generators.map((generator) => generator.ask('begin', PATIENCE, target)));
    await delay(WARM_UP);
    const before = await server.ask<CpuReading>('readCpu', PATIENCE);
    const duration = seconds! * 1_000;
    const results = await Promise.all(
      generators.map((generator) => generator.ask<LoadResult>('measure', PATIENCE + duration, duration)),
    );
    const after = await server.ask<CpuReading>('readCpu', PATIENCE);
    await Promise.all(generators.map((generator) => generator.ask('end', PATIENCE)));
    rates.push(results.reduce((sum, { delivered, duration: time }) => sum + (delivered * 1_000) / time, 0));
    cpu.push(((after.used - before.used) * 1_000) / results.reduce((sum, { delivered }) => sum + delivered, 0));
  } finally {
    await Promise.all([server, ...generators].map((child) => child.stop()));
  }
}

const redis = await startRedis();
try {
  const many = String(processes);
  const lines = [
    lineOf('1 process', '1', 'cluster'),
    lineOf(`${many} processes, node:cluster`, many, 'cluster'),
    ...(major >= 24 ? [lineOf(`${many} processes, reusePort`, many, 'reusePort')] : []),
    lineOf('1 process, with Redis', '1', 'cluster', redis.url),
    lineOf(`${many} processes, with Redis`, many, 'cluster', redis.url),
  ];
  for (let round = 0; round < rounds!; round++) {
    for (const line of round % 2 === 0 ? lines : lines.toReversed()) await measure(line);
  }
  const cores = availableParallelism();
  console.log(
    `Requests per second, ${CONNECTIONS} connections with ${DEPTH} in flight, Node.js ${process.versions.node}`,
  );
  console.log(`Median of ${rounds} rounds of ${seconds} s, and ratio to the first line in the same round\n`);
  const first = lines[0]!;
  for (const { name, rates, cpu } of lines) {
    const ratio = spread(rates.map((rate, round) => rate / first.rates[round]!)).median;
    const cost = spread(cpu.map((time, round) => time / first.cpu[round]!)).median;
    const rate = Math.round(spread(rates).median).toLocaleString('en');
    console.log(
      `${name.padEnd(28)} ${rate.padStart(10)} /s ${ratio.toFixed(2)} ×; CPU time of a request ${cost.toFixed(2)} ×`,
    );
  }
  if (cores < 2 * processes!) {
    console.log(
      `\nThe load takes as much as the servers, and there are only ${cores} cores: compare the CPU time of a request. ` +
        'Where it stays the same, each further core serves as many requests as the first.',
    );
  }
} finally {
  await redis.stop();
}
