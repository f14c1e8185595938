import { plainCodec, Session } from 'nestjs-webwire';
import { RedisSessionManager, WebwireEmitter } from 'nestjs-webwire/redis';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ClusterTarget } from '../../lib/server/ports/cluster.js';
import { encodeSignal } from '../../lib/server/signal.js';
import { describeWithRedis, RedisShards } from '../support/redis-server.js';
import { BareNode } from './bare-node.js';

const NODE_TIMEOUT = 6_000;

describeWithRedis(
  'nodes with a Redis Cluster of three shards',
  () => {
    let shards: RedisShards;
    let nodes: BareNode[];
    /** Different for each test, as a closed session cannot be used again. */
    let sessions: string[];
    let count = 0;

    beforeAll(async () => {
      shards = await RedisShards.start();
      return () => shards.stop();
    }, 60_000);
    beforeEach(async () => {
      sessions = Array.from({ length: 30 }, () => `session ${count++}`);
      const options = { client: shards.client(), nodeTimeout: NODE_TIMEOUT, commandTimeout: 2_000 };
      nodes = await Promise.all([BareNode.start(options), BareNode.start(options)]);
    });
    afterEach(() => Promise.all(nodes.map((node) => node.stop())));

    const limit = (most: number) => ({ limit: most, isNew: false });

    it('enforce the limit of sessions on each shard', async () => {
      const [a, b] = nodes as [BareNode, BareNode];
      const places = [a, b].map(({ cluster }) => cluster.places);
      const taking = sessions.flatMap((session) =>
        Array.from({ length: 6 }, (_, index) => places[index % 2]!.take(session, `place ${index}`, limit(4))),
      );
      const results = await Promise.all(taking);
      expect(results.filter((result) => result === 'taken')).toHaveLength(sessions.length * 4);
      const counts = await Promise.all(sessions.map((session) => places[0]!.count(session)));
      expect(new Set(counts)).toEqual(new Set([4]));
      for (const session of sessions) {
        expect(await places[1]!.closeAll(session)).toEqual({ connections: 4, isLast: true });
        await a.told.take((told) => told.kind === 'sessionClosed' && told.session === session);
      }
    });

    it('get signals through channels on all shards', async () => {
      const [a, b] = nodes as [BareNode, BareNode];
      const targets: ClusterTarget[] = [{ kind: 'all', gateway: undefined }];
      for (const session of sessions) {
        await b.cluster.places.take(session, 'place', limit(1));
        b.cluster.join(`group ${session}`);
        targets.push({ kind: 'session', session }, { kind: 'group', group: `group ${session}` });
      }
      await b.cluster.synchronized();
      for (const target of targets) a.cluster.publish(target, encodeSignal('x', 'y', plainCodec), []);
      for (const target of targets) {
        await b.told.take((told) => told.kind === 'signal' && JSON.stringify(told.target) === JSON.stringify(target));
      }
      for (const session of sessions) {
        await b.cluster.places.leave(session, 'place');
        b.cluster.leave(`group ${session}`);
      }
      expect(b.cluster.health()).toMatchObject({ places: 0, channels: 1 });
    });

    it('listen to groups that are joined and left in a hurry as long as they are joined', async () => {
      const [a] = nodes as [BareNode];
      const emitter = new WebwireEmitter({ client: shards.client() });
      const heard = (group: string) => emitter.signalGroup(group, 'x');
      try {
        a.cluster.join('left');
        a.cluster.leave('left');
        a.cluster.join('joined');
        a.cluster.leave('joined');
        a.cluster.join('joined');
        a.cluster.join('left later');
        a.cluster.leave('left later');
        a.cluster.join('left later');
        await a.cluster.synchronized();
        a.cluster.leave('left later');
        await expect.poll(() => Promise.all(['left', 'left later', 'joined'].map(heard))).toEqual([0, 0, 1]);
      } finally {
        await emitter.close();
      }
    });

    it('come back when a shard does, with all that they have', async () => {
      const [a, b] = nodes as [BareNode, BareNode];
      for (const session of sessions) await a.cluster.places.take(session, 'here', limit(2));
      const shard = shards.servers[1]!;
      await shard.kill();
      const isAway = ({ cluster }: BareNode) => cluster.health().status === 'disconnected';
      await expect.poll(() => nodes.every(isAway)).toBe(true);
      await shard.startAgain();
      const allCounts = async () => {
        const counts = await Promise.all(sessions.map((session) => b.cluster.places.count(session)));
        return new Set(counts);
      };
      await expect.poll(() => allCounts().catch(() => undefined), { timeout: 40_000 }).toEqual(new Set([1]));
      const target = { kind: 'session', session: sessions[0]! } as const;
      await expect.poll(() => nodes.every(({ cluster }) => cluster.health().isHealthy)).toBe(true);
      b.cluster.publish(target, encodeSignal('x', 'y', plainCodec), []);
      await a.told.take((told) => told.kind === 'signal');
    });

    it('keep sessions there', async () => {
      const client = shards.client();
      const manager = new RedisSessionManager({ client, maxAge: 60_000 });
      const now = new Date();
      for (const key of sessions) {
        const session = new Session(key, { createdAt: now, lastLookupAt: now, info: { key } });
        await manager.onSessionCreated({ id: 'connection', session });
      }
      const found = await Promise.all(sessions.map((key) => manager.onSessionLookup(key)));
      expect(found.map((record) => record?.info)).toEqual(sessions.map((key) => ({ key })));
      for (const key of sessions) await manager.onSessionClosed(key);
      expect(await manager.onSessionLookup(sessions[0]!)).toBeNull();
      client.disconnect();
    });
  },
  90_000,
);
