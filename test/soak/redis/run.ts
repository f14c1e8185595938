import { Cluster } from 'ioredis';
import { parseArgs } from 'node:util';
import type { RedisClient } from 'nestjs-webwire/redis';
import { FreezingProxy } from '../../support/freezing-proxy.js';
import { RedisShards, waitUntil, type RedisServer } from '../../support/redis-processes.js';
import { Random } from '../load/random.js';
import { Faults } from './faults.js';
import { signalOf, SoakNode } from './soak-node.js';

const NODES = 3;
const SESSIONS = 300;
const TIMEOUTS = { nodeTimeout: 6_000, commandTimeout: 2_000 };
/** How long the nodes may take to agree at the end, in ms. */
const SETTLING = 60_000;

const USAGE = 'usage: npm run soak:redis -- [--seconds 600] [--seed 1]';

/**
 * Three nodes take and give back places in sessions, and join and leave groups, while the Redis Cluster under them is
 * broken at random. At the end each node has to count what all nodes together have, and to be reached through every group
 * that it has joined.
 */
async function soak(seconds: number, seed: number): Promise<string[]> {
  const random = new Random(seed);
  const shards = await RedisShards.start({ hasReplicas: true, persists: true });
  const proxies = new Map<RedisServer, FreezingProxy>();
  for (const server of shards.servers) proxies.set(server, await FreezingProxy.start(server.port));
  const natMap = Object.fromEntries(
    [...proxies].map(([{ port }, proxy]) => [`127.0.0.1:${port}`, { host: '127.0.0.1', port: proxy.port }]),
  );
  const startupNodes = [...proxies.values()].map(({ port }) => ({ host: '127.0.0.1', port }));
  let generation = 0;
  const nodes = Array.from({ length: NODES }, (_, index) => {
    const client = new Cluster(startupNodes, { lazyConnect: true, natMap }) as unknown as RedisClient;
    const choices = random.fork();
    // Sessions that were closed do not come back, so there are others after a while.
    const sessionName = () => `session ${choices.between(0, SESSIONS - 1)} of ${generation}`;
    return new SoakNode(`node ${index}`, client, TIMEOUTS, random.fork(), sessionName);
  });
  const renewal = setInterval(() => generation++, 5_000);
  try {
    await Promise.all(nodes.map((node) => node.start()));
    const faults = new Faults(shards, proxies, random.fork(), () => nodes.flatMap(({ slotKeys }) => slotKeys));
    const running = nodes.map((node) => node.run());
    const deadline = performance.now() + seconds * 1_000;
    while (performance.now() < deadline) {
      const fault = await faults.strike();
      // Some of the faults meet nodes that are just coming back from the one before.
      if (random.chance(0.5)) await waitUntil(() => shards.isWhole().catch(() => false), SETTLING);
      process.stdout.write(`${fault} `);
    }
    for (const node of nodes) node.end();
    await Promise.all(running);
    await waitUntil(() => shards.isWhole().catch(() => false), SETTLING);
    process.stdout.write(`\n${JSON.stringify(faults.tally)}\n`);
    for (const { name, tally, size, groups } of nodes)
      process.stdout.write(`${name}: ${JSON.stringify({ ...tally, places: size, groups: groups.size })}\n`);
    return await differences(nodes);
  } finally {
    clearInterval(renewal);
    await Promise.all(nodes.map(({ cluster }) => cluster.stop()));
    await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
    await shards.stop();
  }
}

/** Differences between the nodes and the model that are still there after a while. */
async function differences(nodes: readonly SoakNode[]): Promise<string[]> {
  let found: string[] = ['the nodes were not compared'];
  const compare = async () => {
    found = [...compareHealth(nodes), ...(await comparePlaces(nodes)), ...(await compareGroups(nodes))];
    return found.length === 0;
  };
  await waitUntil(compare, SETTLING).catch(() => undefined);
  return found;
}

function compareHealth(nodes: readonly SoakNode[]): string[] {
  return nodes.flatMap(({ name, cluster, size }) => {
    const { isHealthy, status, places } = cluster.health();
    if (!isHealthy) return [`${name} is ${status} and not healthy`];
    return places === size ? [] : [`${name} has ${places} places instead of ${size}`];
  });
}

async function comparePlaces(nodes: readonly SoakNode[]): Promise<string[]> {
  const model = new Map<string, number>();
  for (const { places } of nodes)
    for (const [session, held] of places) model.set(session, (model.get(session) ?? 0) + held.size);
  const found: string[] = [];
  for (const { name, cluster } of nodes) {
    for (const [session, expected] of model) {
      const count = await cluster.places.count(session).catch(() => -1);
      if (count !== expected) found.push(`${name} counts ${count} places instead of ${expected} in ${session}`);
    }
  }
  return found;
}

async function compareGroups(nodes: readonly SoakNode[]): Promise<string[]> {
  for (const node of nodes) node.heard.clear();
  for (const sender of nodes) {
    for (const group of new Set(nodes.flatMap(({ groups }) => [...groups])))
      sender.cluster.publish({ kind: 'group', group }, signalOf(`${group} from ${sender.name}`), []);
  }
  const missing = () =>
    nodes.flatMap((node) =>
      nodes.flatMap((sender) => {
        if (sender === node) return [];
        const groups = [...node.groups].filter((group) => !node.heard.has(`${group} from ${sender.name}`));
        return groups.map((group) => `${node.name} does not hear ${sender.name} in ${group}`);
      }),
    );
  await waitUntil(() => missing().length === 0, 5_000).catch(() => undefined);
  return missing();
}

const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } });
const seconds = Number(values.seconds ?? 600);
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
if (!(seconds > 0) || !Number.isInteger(seed)) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}
process.stdout.write(`seed ${seed}, ${seconds} s\n`);
const failures = await soak(seconds, seed);
for (const failure of failures.slice(0, 20)) process.stdout.write(`${failure}\n`);
process.stdout.write(failures.length === 0 ? 'model and nodes are equal\n' : `${failures.length} differences\n`);
process.exit(failures.length === 0 ? 0 : 1);
