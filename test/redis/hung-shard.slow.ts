import { once } from 'node:events';
import { Session } from 'nestjs-webwire';
import { RedisSessionManager, type RedisClient, type RedisOptions } from 'nestjs-webwire/redis';
import { plainCodec } from 'nestjs-webwire';
import { afterEach, expect, it } from 'vitest';
import { encodeSignal } from '../../lib/server/signal.js';
import { describeWithRedis, RedisShards } from '../support/redis-server.js';
import { BareNode } from './bare-node.js';

const COMMAND_TIMEOUT = 1_000;
const NODE_TIMEOUT = 3_000;
const ROOM = { kind: 'group', group: 'room' } as const;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

async function startNode(options: RedisOptions): Promise<BareNode> {
  const node = await BareNode.start({ ...options, nodeTimeout: NODE_TIMEOUT, commandTimeout: COMMAND_TIMEOUT });
  opened.push(() => node.stop());
  node.cluster.join('room');
  await node.cluster.synchronized();
  return node;
}

function startManager(options: RedisOptions): RedisSessionManager {
  const manager = new RedisSessionManager({ ...options, commandTimeout: COMMAND_TIMEOUT });
  opened.push(() => manager.onModuleDestroy());
  return manager;
}

function connectionWith(key: string) {
  const now = new Date();
  return { id: 'connection', session: new Session(key, { createdAt: now, lastLookupAt: now, info: undefined }) };
}

/** Checks that the nodes receive signals of each other, and count the same places. */
async function workTogether(nodes: readonly BareNode[], session: string, places: number): Promise<void> {
  await expect.poll(() => nodes.every(({ cluster }) => cluster.health().isHealthy)).toBe(true);
  for (const node of nodes) {
    node.cluster.publish(ROOM, encodeSignal('x', undefined, plainCodec), []);
    for (const other of nodes) if (other !== node) await other.told.take(({ kind }) => kind === 'signal');
    await expect.poll(() => node.cluster.places.count(session).catch(() => -1)).toBe(places);
  }
}

describeWithRedis(
  'a master that hangs',
  () => {
    it('is left for its replica in a Redis Cluster, though clients were given its address only', async () => {
      const shards = await RedisShards.start({ hasReplicas: true });
      opened.push(() => shards.stop());
      const [victim] = shards.servers;
      const client = shards.client();
      client.disconnect();
      const only = client.duplicate([{ host: '127.0.0.1', port: victim!.port }]) as unknown as RedisClient;
      const nodes = [await startNode({ client: only }), await startNode({ client: only })];
      const manager = startManager({ client: only });
      opened.push(() => only.disconnect());
      for (let index = 0; index < 12; index++) {
        await nodes[0]!.cluster.places.take(`session ${index}`, 'place', { limit: 1, isNew: false });
        await manager.onSessionCreated(connectionWith(`key ${index}`));
      }
      const replica = await shards.replicaOf(victim!);
      const disconnected = nodes.map(({ cluster }) => once(cluster, 'disconnected'));
      victim!.stall();
      await Promise.all(disconnected);
      // The Redis Cluster needs an unknown time to elect a new master. The nodes have to be back soon after.
      await shards.elected(replica);
      for (let index = 0; index < 12; index++) {
        await workTogether(nodes, `session ${index}`, 1);
        const isFound = () => manager.onSessionLookup(`key ${index}`).then(Boolean, () => false);
        await expect.poll(isFound).toBe(true);
      }
    });
  },
  120_000,
);
