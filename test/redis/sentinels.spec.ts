import { Redis as Redis5 } from 'ioredis-5';
import { Redis as Redis58 } from 'ioredis-5.8';
import { Session } from 'nestjs-webwire';
import { RedisSessionManager, WebwireEmitter, type RedisClient, type RedisOptions } from 'nestjs-webwire/redis';
import { plainCodec } from 'nestjs-webwire';
import { afterEach, expect, it } from 'vitest';
import { encodeSignal } from '../../lib/server/signal.js';
import { describeWithRedis, RedisSentinels } from '../support/redis-server.js';
import { BareNode } from './bare-node.js';

const COMMAND_TIMEOUT = 1_000;
const NODE_TIMEOUT = 3_000;
const ROOM = { kind: 'group', group: 'room' } as const;

type Connection = RedisSentinels['connection'];

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
  const areHealthy = () => nodes.every(({ cluster }) => cluster.health().isHealthy);
  await expect.poll(areHealthy, { timeout: 40_000 }).toBe(true);
  for (const node of nodes) {
    node.cluster.publish(ROOM, encodeSignal('x', undefined, plainCodec), []);
    for (const other of nodes) if (other !== node) await other.told.take(({ kind }) => kind === 'signal');
    await expect.poll(() => node.cluster.places.count(session).catch(() => -1)).toBe(places);
  }
}

/** The ways in which the master is lost. */
const LOSSES = {
  hangs: (sentinels: RedisSentinels) => {
    sentinels.master.stall();
    // Clients that ask this one for the master have to go on to the next.
    sentinels.stallFirstSentinel();
  },
  'is killed': (sentinels: RedisSentinels) => sentinels.master.kill(),
  'becomes a replica': (sentinels: RedisSentinels) => sentinels.failOver(),
};

describeWithRedis(
  'a master that is watched by Sentinels',
  () => {
    it.each([
      ['hangs', 'by options of the newest ioredis 6', undefined],
      ['hangs', 'by a client of ioredis 5.8', (options: Connection) => new Redis58({ ...options, lazyConnect: true })],
      [
        'hangs',
        'by a client of the newest ioredis 5',
        (options: Connection) => new Redis5({ ...options, lazyConnect: true }),
      ],
      ['is killed', 'by options of the newest ioredis 6', undefined],
      ['becomes a replica', 'by options of the newest ioredis 6', undefined],
    ] as const)('is left for the new master when it %s, %s', async (loss, _, makeClient) => {
      const sentinels = await RedisSentinels.start();
      opened.push(() => sentinels.stop());
      const { connection } = sentinels;
      const client = makeClient?.(connection) as RedisClient | undefined;
      const options: RedisOptions = client ? { client } : { connection };
      const nodes = [await startNode(options), await startNode(options)];
      const manager = startManager(options);
      const emitter = new WebwireEmitter({ ...options, commandTimeout: COMMAND_TIMEOUT });
      opened.push(
        () => emitter.close(),
        () => client?.disconnect(),
      );
      await nodes[0]!.cluster.places.take('s', 'place', { limit: 1, isNew: false });
      await manager.onSessionCreated(connectionWith('key'));
      expect(await emitter.signalGroup('room', 'x')).toBe(2);
      await sentinels.replicated();
      await LOSSES[loss](sentinels);
      await sentinels.promoted();
      await workTogether(nodes, 's', 1);
      await expect.poll(() => manager.onSessionLookup('key').then(Boolean, () => false)).toBe(true);
      await expect.poll(() => emitter.signalGroup('room', 'x').catch(() => 0)).toBe(2);
    });
  },
  120_000,
);
