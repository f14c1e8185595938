import { parseArgs } from 'node:util';
import { FreezingProxy } from '../../support/freezing-proxy.js';
import { RedisShards, waitUntil, type RedisServer } from '../../support/redis-processes.js';
import { Random } from '../load/random.js';
import { findDifferences } from './comparison.js';
import { NodeFaults, ServerFaults } from './faults.js';
import { NodeProcess } from './node-process.js';
import { GROUPS, sessionName, slotKeyOf } from './soak-node.js';

const NODES = 3;
const TIMEOUTS = { nodeTimeout: 6_000, commandTimeout: 2_000 };
/** The time in which the servers, and at the end the nodes, have to agree, in ms: other programs may keep the machine busy. */
const SETTLING = 120_000;
/** Keys and channels that all nodes have in common, with the default prefix. */
const COMMON_KEYS = ['generation', 'nodes', 'all', 'presence'].map((name) => `webwire:${name}`);

const USAGE = 'usage: npm run soak:redis -- [--seconds 600] [--seed 1] [--verbose]';

/**
 * Three nodes take and give back places in sessions, and join and leave groups, while the Redis Cluster under them is
 * broken at random, and so are the nodes themselves. At the end the nodes have to agree.
 * @returns The differences between the model and the nodes.
 */
async function soak(seconds: number, seed: number, isVerbose: boolean): Promise<string[]> {
  const random = new Random(seed);
  const beganAt = Date.now();
  const shards = await RedisShards.start({ hasReplicas: true, persists: true });
  const proxies = new Map<RedisServer, FreezingProxy>();
  for (const server of shards.servers) proxies.set(server, await FreezingProxy.start(server.port));
  const natMap = Object.fromEntries(
    [...proxies].map(([{ port }, proxy]) => [`127.0.0.1:${port}`, { host: '127.0.0.1', port: proxy.port }]),
  );
  const addresses = [...proxies.values()].map(({ port }) => ({ host: '127.0.0.1', port }));
  const nodes = Array.from({ length: NODES }, (_, index) => {
    const own = { name: `node ${index}`, seed: random.between(0, 1_000_000) };
    return new NodeProcess({ ...own, addresses, natMap, timeouts: TIMEOUTS, beganAt, isVerbose });
  });
  const report = (fault: string) =>
    process.stdout.write(isVerbose ? `${new Date().toISOString()} ${fault}\n` : `${fault}, `);
  try {
    await Promise.all(nodes.map((node) => node.start()));
    const deadline = performance.now() + seconds * 1_000;
    const slotKeys = () => [
      ...COMMON_KEYS,
      ...GROUPS.map(slotKeyOf),
      ...GROUPS.map(() => `{${sessionName(beganAt, random)}}`),
    ];
    const serverFaults = new ServerFaults(shards, proxies, random.fork(), slotKeys);
    const nodeFaults = new NodeFaults(nodes, random.fork());
    const breakServers = async () => {
      while (performance.now() < deadline) {
        report(await serverFaults.strike());
        // Some of the faults meet nodes that are just coming back from the one before.
        if (random.chance(0.5)) await waitUntil(() => shards.isWhole().catch(() => false), SETTLING);
      }
    };
    const breakNodes = async () => {
      while (performance.now() < deadline) report(await nodeFaults.strike());
    };
    await Promise.all([breakServers(), breakNodes()]);
    await Promise.all(nodes.map((node) => node.end()));
    await waitUntil(() => shards.isWhole().catch(() => false), SETTLING);
    process.stdout.write(`\n${JSON.stringify({ servers: serverFaults.tally, nodes: nodeFaults.tally })}\n`);
    const differences = await findDifferences(nodes, SETTLING);
    for (const node of nodes) {
      const { tally, members } = await node.state();
      process.stdout.write(`${node.name}: ${JSON.stringify({ ...tally, members: members.length })}\n`);
    }
    return differences;
  } finally {
    await Promise.all(nodes.map((node) => node.kill()));
    await Promise.all([...proxies.values()].map((proxy) => proxy.close()));
    await shards.stop();
  }
}

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, verbose: { type: 'boolean', default: false } },
});
const seconds = Number(values.seconds ?? 600);
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
if (!(seconds > 0) || !Number.isInteger(seed)) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}
process.stdout.write(`seed ${seed}, ${seconds} s\n`);
const failures = await soak(seconds, seed, values.verbose);
for (const failure of failures.slice(0, 20)) process.stdout.write(`${failure}\n`);
process.stdout.write(failures.length === 0 ? 'model and nodes are equal\n' : `${failures.length} differences\n`);
process.exit(failures.length === 0 ? 0 : 1);
