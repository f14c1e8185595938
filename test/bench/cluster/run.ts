import { setTimeout as delay } from 'node:timers/promises';
import { CONTENDERS, startNode, type Contender } from './contenders.js';
import type { LoadClient } from './load/client.js';
import { startRedis } from './redis.js';

/** Duration of one measurement, in ms, and number of rounds. */
const DURATION = Number(process.argv[2] ?? 2) * 1_000;
const ROUNDS = 3;

/** The loads: number of signals in flight, and of members of the group on the other node. */
const SIGNALS = [
  { underWay: 1, members: 1 },
  { underWay: 64, members: 1 },
  { underWay: 64, members: 50 },
];

/** The load of requests: number of connections, and of requests in flight on each. */
const CONNECTIONS = 20;
const REQUESTS = 16;

/** Number of calls of `count` per second, after `begin` was called. */
async function rate(begin: (count: () => void) => void): Promise<number> {
  let counted = 0;
  begin(() => counted++);
  await delay(DURATION / 4);
  const [from, since] = [counted, performance.now()];
  await delay(DURATION);
  return ((counted - from) * 1_000) / (performance.now() - since);
}

/** Signals per second from a client of one node to the members of the group on the other node. */
async function measureSignals(contender: Contender, redisUrl: string, { underWay, members }: (typeof SIGNALS)[number]) {
  const nodes = await Promise.all([startNode(contender, redisUrl), startNode(contender, redisUrl)]);
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
    return await rate((count) => {
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
  const heard = new AbortController();
  member.onMessage = () => heard.abort();
  while (!heard.signal.aborted) {
    speaker.say();
    await delay(50);
  }
}

/** Requests per second that one node answers, in a cluster or not. */
async function measureRequests(redisUrl: string | undefined): Promise<number> {
  const [webwire] = CONTENDERS;
  const node = await startNode(webwire!, redisUrl);
  const clients: LoadClient[] = [];
  try {
    for (let index = 0; index < CONNECTIONS; index++) {
      const client = await webwire!.connect(node.port);
      await client.join();
      clients.push(client);
    }
    return await rate((count) => {
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

/** A line of the table: the rates of the contenders, and their ratios to the first. */
function print(title: string, names: readonly string[], rates: ReadonlyMap<string, readonly number[]>): void {
  const first = median(rates.get(names[0]!)!);
  console.log(`\n${title}`);
  for (const name of names) {
    const own = median(rates.get(name)!);
    console.log(
      `  ${name.padEnd(34)} ${Math.round(own).toLocaleString('en').padStart(10)} /s  ${(own / first).toFixed(2)}`,
    );
  }
}

async function rounds(names: readonly string[], measure: (index: number) => Promise<number>) {
  const rates = new Map<string, number[]>(names.map((name) => [name, []]));
  // One after the other in each round, so that other work of the machine affects all of them.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, name] of names.entries()) rates.get(name)!.push(await measure(index));
  }
  return rates;
}

const redis = await startRedis();
try {
  console.log(
    `Median of ${ROUNDS} rounds of ${DURATION / 1_000} s; 32-byte text; two nodes, Redis and the load on one machine`,
  );
  const names = CONTENDERS.map(({ name }) => name);
  for (const kind of SIGNALS) {
    const rates = await rounds(names, (index) => measureSignals(CONTENDERS[index]!, redis.url, kind));
    const { underWay, members } = kind;
    print(`Signals from one node to ${members} member(s) of a group on the other, ${underWay} under way`, names, rates);
  }
  const kinds = ['on its own', 'with a RedisCluster'];
  const rates = await rounds(kinds, (index) => measureRequests(index === 0 ? undefined : redis.url));
  print(`Requests to one node, ${CONNECTIONS} connections with ${REQUESTS} under way`, kinds, rates);
} finally {
  await redis.stop();
}
