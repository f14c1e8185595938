import { setTimeout as delay } from 'node:timers/promises';
import { beforeAndAfter, CONTENDERS, startNode, type Contender } from './contenders.js';
import type { LoadClient } from './load/client.js';
import { readOptions, USAGE, type Options } from './options.js';
import { startRedis } from './redis.js';

/** The loads: number of signals in flight, and of members of the group on the other node. */
const SIGNALS = [
  { underWay: 1, members: 1 },
  { underWay: 64, members: 1 },
  { underWay: 64, members: 50 },
];

/** The load of requests: number of connections, and of requests in flight on each. */
const CONNECTIONS = 20;
const REQUESTS = 16;

/** Number of calls of `count` per second in `duration` ms, after `begin` was called. */
async function rate(duration: number, begin: (count: () => void) => void): Promise<number> {
  let counted = 0;
  begin(() => counted++);
  await delay(duration / 4);
  const [from, since] = [counted, performance.now()];
  await delay(duration);
  return ((counted - from) * 1_000) / (performance.now() - since);
}

/** Signals per second from a client of one node to the members of the group on the other node. */
async function measureSignals(contender: Contender, { underWay, members }: (typeof SIGNALS)[number]) {
  const nodes = await Promise.all([startNode(contender, redis.url), startNode(contender, redis.url)]);
  const clients: LoadClient[] = [];
  try {
    const speaker = await contender.connect(nodes[0].port);
    clients.push(speaker);
    for (let index = 0; index < members; index++) {
      const member = await contender.connect(nodes[1].port);
      clients.push(member);
      await member.join();
    }
    await warmUp(speaker, clients[1]!);
    return await rate(duration, (count) => {
      clients[1]!.onMessage = () => {
        count();
        speaker.say();
      };
      for (let index = 0; index < underWay; index++) speaker.say();
    });
  } finally {
    for (const client of clients) client.close();
    await Promise.all(nodes.map((node) => node.stop()));
  }
}

/** Waits until signals arrive, as not every contender reports when the other node has registered a group. */
async function warmUp(speaker: LoadClient, member: LoadClient): Promise<void> {
  const received = new AbortController();
  member.onMessage = () => received.abort();
  while (!received.signal.aborted) {
    speaker.say();
    await delay(50);
  }
}

/** Requests per second that one node answers, in a cluster or not. */
async function measureRequests(contender: Contender, isClustered: boolean): Promise<number> {
  const node = await startNode(contender, isClustered ? redis.url : undefined);
  const clients: LoadClient[] = [];
  try {
    for (let index = 0; index < CONNECTIONS; index++) {
      const client = await contender.connect(node.port);
      await client.join();
      clients.push(client);
    }
    return await rate(duration, (count) => {
      for (const client of clients) {
        client.onMessage = () => {
          count();
          client.ask();
        };
        for (let index = 0; index < REQUESTS; index++) client.ask();
      }
    });
  } finally {
    for (const client of clients) client.close();
    await node.stop();
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

/** A measurement that each round repeats: a line of a table. */
interface Line {
  readonly name: string;
  readonly rates: number[];
  measure(): Promise<number>;
}

function lineOf(name: string, measure: () => Promise<number>): Line {
  return { name, rates: [], measure };
}

/** Prints the median rates of some lines, and their ratios to the first. */
async function compare(title: string, lines: readonly Line[]): Promise<void> {
  // One after the other in each round, so that other work of the machine affects all of them. Every second round has the
  // reverse order, against effects of the order.
  for (let round = 0; round < rounds; round++) {
    for (const line of round % 2 === 0 ? lines : lines.toReversed()) line.rates.push(await line.measure());
  }
  const first = median(lines[0]!.rates);
  console.log(`\n${title}`);
  for (const { name, rates } of lines) {
    const own = median(rates);
    console.log(
      `  ${name.padEnd(34)} ${Math.round(own).toLocaleString('en').padStart(10)} /s  ${(own / first).toFixed(2)}`,
    );
  }
}

/** Reads the command line; ends the process if it is invalid or asks for help. */
function optionsOrExit(): Options {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options) return options;
    process.stdout.write(USAGE);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
  }
  return process.exit();
}

const { duration, rounds, against } = optionsOrExit();
const contenders = against === undefined ? CONTENDERS : beforeAndAfter(against);
const redis = await startRedis();
try {
  console.log(
    `Median of ${rounds} rounds of ${duration / 1_000} s; 32-byte text; two nodes, Redis and the load on one machine`,
  );
  for (const kind of SIGNALS) {
    const lines = contenders.map((contender) => lineOf(contender.name, () => measureSignals(contender, kind)));
    const { underWay, members } = kind;
    await compare(
      `Signals from one node to ${members} member(s) of a group on the other, ${underWay} under way`,
      lines,
    );
  }
  const load = `${CONNECTIONS} connections with ${REQUESTS} under way`;
  if (against === undefined) {
    await compare(`Requests to one node, ${load}`, [
      lineOf('on its own', () => measureRequests(contenders[0]!, false)),
      lineOf('with a RedisCluster', () => measureRequests(contenders[0]!, true)),
    ]);
  } else {
    for (const isClustered of [false, true]) {
      const lines = contenders.map((contender) =>
        lineOf(contender.name, () => measureRequests(contender, isClustered)),
      );
      await compare(`Requests to one node ${isClustered ? 'with a RedisCluster' : 'on its own'}, ${load}`, lines);
    }
  }
} finally {
  await redis.stop();
}
