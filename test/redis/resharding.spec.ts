import { Cluster } from 'ioredis';
import { Cluster as Cluster5 } from 'ioredis-5';
import { Cluster as Cluster58 } from 'ioredis-5.8';
import { plainCodec } from 'nestjs-webwire';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RedisClient } from 'nestjs-webwire/redis';
import { encodeSignal } from '../../lib/server/signal.js';
import { Keys } from '../../lib/redis/keys.js';
import { describeWithRedis, RedisShards, type RedisServer } from '../support/redis-server.js';
import { BareNode } from './bare-node.js';

const COMMAND_TIMEOUT = 1_500;
const NODE_TIMEOUT = 4_500;
const GROUPS = Array.from({ length: 30 }, (_, index) => `room ${index}`);
const KEYS = new Keys('webwire');

describeWithRedis(
  'nodes with a Redis Cluster of three masters with a replica each',
  () => {
    let shards: RedisShards;
    let nodes: [BareNode, BareNode];
    let count = 0;

    beforeAll(async () => {
      shards = await RedisShards.start({ hasReplicas: true });
    }, 90_000);
    afterAll(() => shards.stop());
    afterEach(() => Promise.all(nodes.map((node) => node.stop())));

    async function startNodes(client: RedisClient): Promise<void> {
      const options = { client, nodeTimeout: NODE_TIMEOUT, commandTimeout: COMMAND_TIMEOUT };
      nodes = await Promise.all([BareNode.start(options), BareNode.start(options)]);
      for (const { cluster } of nodes) for (const group of GROUPS) cluster.join(group);
      await Promise.all(nodes.map(({ cluster }) => cluster.synchronized()));
    }

    /** Each node is reached by a signal to each group that was sent after this call. */
    async function allAreHeard(): Promise<void> {
      const text = `check ${count++}`;
      const message = encodeSignal(text, undefined, plainCodec);
      const hex = Buffer.from(message).toString('hex');
      const silent = () =>
        nodes.map(({ told }) => {
          const heard = told.rest.flatMap((event) =>
            event.kind === 'signal' && event.message === hex ? [event.target] : [],
          );
          return GROUPS.filter((group) => !heard.some((target) => target.kind === 'group' && target.group === group));
        });
      const remaining = () => {
        const [here, there] = silent() as [string[], string[]];
        for (const group of here) nodes[1].cluster.publish({ kind: 'group', group }, message, []);
        for (const group of there) nodes[0].cluster.publish({ kind: 'group', group }, message, []);
        return silent();
      };
      await expect.poll(remaining, { timeout: 30_000, interval: 200 }).toEqual([[], []]);
      await expect.poll(() => nodes.every(({ cluster }) => cluster.health().isHealthy), { timeout: 15_000 }).toBe(true);
    }

    async function otherMaster(channel: string): Promise<RedisServer> {
      const master = await shards.masterOf(channel);
      for (let key = 0; ; key++) {
        const other = await shards.masterOf(String(key));
        if (other !== master) return other;
      }
    }

    describe.each([
      ['5.8', () => new Cluster58(shards.addresses, { lazyConnect: true })],
      ['newest 5', () => new Cluster5(shards.addresses, { lazyConnect: true })],
      ['newest 6', () => new Cluster(shards.addresses, { lazyConnect: true })],
    ] as const)('and ioredis %s', (_, makeClient) => {
      beforeEach(() => startNodes(makeClient() as unknown as RedisClient));

      it('still receive signals to all groups when the slots of a shard move to another', async () => {
        const first = KEYS.groupChannel(GROUPS[0]!);
        const from = await shards.masterOf(first);
        const to = await otherMaster(first);
        for (const group of GROUPS) {
          const channel = KEYS.groupChannel(group);
          if ((await shards.masterOf(channel)) === from) await shards.move(channel, to);
        }
        await allAreHeard();
      });

      it('still receive signals to a group whose slot moves away and at once back', async () => {
        const channel = KEYS.groupChannel(GROUPS[1]!);
        const home = await shards.masterOf(channel);
        await shards.move(channel, await otherMaster(channel));
        await shards.move(channel, home);
        await allAreHeard();
      });

      it('learn that a session was closed while its slot moved', async () => {
        const session = `session ${count++}`;
        const [a, b] = nodes;
        expect(await a.cluster.places.take(session, 'place', { limit: 2, isNew: false })).toBe('taken');
        const channel = KEYS.sessionChannel(session);
        const to = await otherMaster(channel);
        // A real migration moves the keys, too. Here the slot has none at its new place.
        await shards.forget([KEYS.sessionMembers(session)]);
        await shards.move(channel, to);
        const isLast = async () => {
          await b.cluster.places.take(session, 'other', { limit: 2, isNew: false });
          return (await b.cluster.places.closeAll(session)).isLast;
        };
        await expect.poll(() => isLast().catch(() => false)).toBe(true);
        await a.told.take((told) => told.kind === 'sessionClosed' && told.session === session);
      });

      it('still receive signals to all groups when a replica replaces its master', async () => {
        const replica = await shards.replicaOf(await shards.masterOf(KEYS.groupChannel(GROUPS[2]!)));
        await shards.replicates(replica);
        await shards.failOver(replica);
        await allAreHeard();
      });
    });
  },
  120_000,
);
