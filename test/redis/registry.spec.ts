import { beforeAll, describe, expect, it } from 'vitest';
import { ClusterSessionRegistry } from '../../lib/session/cluster-session-registry.js';
import { digestOf } from '../../lib/common/key-digest.js';
import type { MembershipRequest } from '../../lib/session/session-membership.js';
import { LocalSessionRegistry, type SessionRegistry } from '../../lib/session/session-registry.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { BareNode } from './bare-node.js';

interface Holder {
  readonly connection: { readonly id: string };
}

const ada: Holder = { connection: { id: 'ada' } };
const bob: Holder = { connection: { id: 'bob' } };
const eve: Holder = { connection: { id: 'eve' } };

const upTo = (limit: number): MembershipRequest => ({ limit, isNew: false });
const NEW: MembershipRequest = { limit: 3, isNew: true };

let count = 0;

/** The rules for every registry. */
function holdsTheRules(registryOf: () => SessionRegistry<Holder>): void {
  const setUp = () => ({ registry: registryOf(), key: `key ${count++}` });

  it('counts a connection once, even if it joins twice', async () => {
    const { registry, key } = setUp();
    expect(await registry.take(key, ada, upTo(1))).toBe('taken');
    expect(await registry.take(key, ada, upTo(1))).toBe('taken');
    expect(await registry.count(key)).toBe(1);
    expect(registry.members(digestOf(key))).toEqual([ada]);
    expect(registry.keyOf(digestOf(key))).toBe(key);
  });

  it('gives no more places than the limit, until one is given back', async () => {
    const { registry, key } = setUp();
    expect(await registry.take(key, ada, upTo(2))).toBe('taken');
    expect(await registry.take(key, bob, upTo(2))).toBe('taken');
    expect(await registry.take(key, eve, upTo(2))).toBe('full');
    expect(registry.members(digestOf(key))).toEqual([ada, bob]);
    await registry.leave(key, ada);
    expect(await registry.take(key, eve, upTo(2))).toBe('taken');
    expect(await registry.take(key, ada, upTo(Infinity))).toBe('taken');
    expect(await registry.count(key)).toBe(3);
  });

  it.each([NEW, upTo(Infinity), upTo(1)])(
    'counts no connection that leaves while it joins with %j',
    async (request) => {
      const { registry, key } = setUp();
      await Promise.all([registry.take(key, ada, request), registry.leave(key, ada)]);
      await registry.take(key, bob, upTo(Infinity));
      expect(await registry.count(key)).toBe(1);
      expect(registry.members(digestOf(key))).toEqual([bob]);
      await Promise.all([registry.leave(key, bob), registry.take(key, bob, upTo(Infinity))]);
      expect(await registry.count(key)).toBe(1);
      await Promise.all([registry.take(key, bob, upTo(Infinity)), registry.leave(key, bob)]);
      expect(await registry.count(key)).toBe(0);
    },
  );

  it('accepts no other member of a new session', async () => {
    const { registry, key } = setUp();
    expect(await registry.take(key, ada, NEW)).toBe('taken');
    expect(await registry.take(key, bob, NEW)).toBe('full');
    expect(registry.members(digestOf(key))).toEqual([ada]);
    expect(await registry.take(key, bob, upTo(2))).toBe('taken');
  });

  it('reports to the last connection that closes a session that it is the last', async () => {
    const { registry, key } = setUp();
    await registry.take(key, ada, upTo(2));
    await registry.take(key, bob, upTo(2));
    expect(await registry.close(key, ada)).toBe(false);
    expect(await registry.close(key, ada)).toBe(false);
    expect(await registry.close(key, bob)).toBe(true);
    expect(await registry.close(key, bob)).toBe(false);
    expect(await registry.count(key)).toBe(0);
    expect([registry.size, registry.keyOf(digestOf(key))]).toEqual([0, undefined]);
  });

  it('does not report it when the last connection is lost', async () => {
    const { registry, key } = setUp();
    await registry.take(key, ada, upTo(2));
    await registry.take(key, bob, upTo(2));
    expect(await registry.close(key, ada)).toBe(false);
    await registry.leave(key, bob);
    expect(await registry.take(key, bob, upTo(2))).toBe('taken');
    expect(await registry.close(key, bob)).toBe(true);
  });

  it('closes a session on all connections for one caller', async () => {
    const { registry, key } = setUp();
    expect(await registry.closeAll(key)).toEqual({ connections: 0, isLast: false });
    await registry.take(key, ada, upTo(2));
    await registry.take(key, bob, upTo(2));
    expect(await registry.closeAll(key)).toEqual({ connections: 2, isLast: true });
    expect(await registry.closeAll(key)).toEqual({ connections: 0, isLast: false });
    expect(await registry.close(key, ada)).toBe(false);
    expect(registry.members(digestOf(key))).toEqual([]);
  });

  it('gives each of many that race for places a place, or the answer that there is none', async () => {
    const { registry, key } = setUp();
    const holders = Array.from({ length: 50 }, (_, index) => ({ connection: { id: `racer ${index}` } }));
    const results = await Promise.all(holders.map(async (holder) => registry.take(key, holder, upTo(7))));
    expect(results.filter((result) => result === 'taken')).toHaveLength(7);
    expect(results.filter((result) => result === 'full')).toHaveLength(43);
    const closings = await Promise.all(
      registry.members(digestOf(key)).map(async (holder) => registry.close(key, holder)),
    );
    expect(closings.filter(Boolean)).toHaveLength(1);
  });
}

const SUPERVISION = { timeout: 10_000, report: () => undefined };

describe('the registry of a single process', () => {
  holdsTheRules(() => new LocalSessionRegistry());
});

describeWithRedis('the registry of a node among several', () => {
  let redis: RedisServer;
  let nodes: BareNode[];

  beforeAll(async () => {
    redis = await RedisServer.start();
    nodes = await Promise.all([BareNode.start({ url: redis.url }), BareNode.start({ url: redis.url })]);
    return async () => {
      await Promise.all(nodes.map((node) => node.stop()));
      await redis.stop();
    };
  });

  holdsTheRules(() => new ClusterSessionRegistry(nodes[0]!.cluster.places, SUPERVISION));

  describe('with connections on two nodes', () => {
    const both = () => nodes.map(({ cluster }) => new ClusterSessionRegistry<Holder>(cluster.places, SUPERVISION));

    it('limits them together', async () => {
      const [here, there] = both();
      const key = `key ${count++}`;
      expect(await here!.take(key, ada, NEW)).toBe('taken');
      expect(await there!.take(key, bob, NEW)).toBe('full');
      expect(await there!.take(key, bob, upTo(2))).toBe('taken');
      expect(await here!.take(key, eve, upTo(2))).toBe('full');
      expect([await here!.count(key), await there!.count(key)]).toEqual([2, 2]);
      expect([here!.members(digestOf(key)), there!.members(digestOf(key))]).toEqual([[ada], [bob]]);
    });

    it('reports it to the last one, and accepts no further members', async () => {
      const [here, there] = both();
      const key = `key ${count++}`;
      await here!.take(key, ada, upTo(2));
      await there!.take(key, bob, upTo(2));
      const closings = await Promise.all([here!.close(key, ada), there!.close(key, bob)]);
      expect(closings.filter(Boolean)).toHaveLength(1);
      expect(await here!.take(key, eve, upTo(2))).toBe('closed');
      expect(await there!.take(key, eve, upTo(Infinity))).toBe('closed');
      expect(here!.size).toBe(0);
      expect(await there!.take(key, eve, NEW)).toBe('taken');
    });

    it('closes them together, and notifies the other node', async () => {
      const [here, there] = both();
      const key = `key ${count++}`;
      await here!.take(key, ada, upTo(2));
      await there!.take(key, bob, upTo(2));
      expect(await here!.closeAll(key)).toEqual({ connections: 2, isLast: true });
      await nodes[1]!.told.take((told) => told.kind === 'sessionClosed' && told.session === digestOf(key));
      expect(await there!.closeAll(key)).toEqual({ connections: 0, isLast: false });
      expect(await there!.take(key, bob, upTo(2))).toBe('closed');
    });
  });
});
