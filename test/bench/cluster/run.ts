import { setTimeout as delay } from 'node:timers/promises';
import { CONTENDERS, startNode, type Contender } from './contenders.js';
import type { LoadClient } from './load/client.js';
import { startRedis } from './redis.js';

/** How long each is measured in each round, in ms, and how often. */
const DURATION = Number(process.argv[2] ?? 2) * 1_000;
const ROUNDS = 3;

/** What is measured: how many signals are under way at once, to how many members of the group on the other node. */
const SIGNALS = [
  { underWay: 1, members: 1 },
  { underWay: 64, members: 1 },
  { underWay: 64, members: 50 },
];

/** The load of requests: so many connections, each with so many requests under way. */
const CONNECTIONS = 20;
const REQUESTS = 16;

/** How many times a second what `begin` starts is called back. */
async function rate(begin: (count: () => void) => void): Promise<number> {
  let counted = 0;
  begin(() => counted++);
  await delay(DURATION / 4);
  const [from, since] = [counted, performance.now()];
  await delay(DURATION);
  return ((counted - from) * 1_000) / (performance.now() - since);
}

/** Signals a second that somebody on one node says and the members of the group on the other node hear. */
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

/** Not everybody can tell when a group is known to the other node. */
async function warmUp(speaker: LoadClient, member: LoadClient): Promise<void> {
  const heard = new AbortController();
  member.onMessage = () => heard.abort();
  while (!heard.signal.aborted) {
    speaker.say();
    await delay(50);
  }
}

/** Requests a second that one node answers, in a cluster or not. */
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
  // One after the other in each round, so that whatever else the machine does meets all of them.
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
