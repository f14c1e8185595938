import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { plainCodec } from 'nestjs-webwire';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeSignal } from '../../lib/server/signal.js';
import { FreezingProxy } from '../support/freezing-proxy.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { BareNode } from './bare-node.js';

const NODE_TIMEOUT = 3_000;
/** So many that subscribing to all takes longer than the lease of the node lasts. */
const GROUPS = 50_000;
const ROUND_TRIP = 120;

describeWithRedis('a node with many groups and a slow way to Redis', () => {
  let redis: RedisServer;
  let proxy: FreezingProxy;
  let nodes: BareNode[];

  beforeEach(async () => {
    redis = await RedisServer.start();
    proxy = await FreezingProxy.start(redis.port, { delay: ROUND_TRIP / 2 });
    nodes = [];
  });
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.stop()));
    await proxy.close();
    await redis.stop();
  });

  it('can join them faster than the way to Redis is, and stays connected', async () => {
    const slow = await FreezingProxy.start(redis.port, { rate: 500 });
    try {
      const options = { nodeTimeout: 2 * NODE_TIMEOUT, commandTimeout: (2 * NODE_TIMEOUT) / 3 };
      const node = await BareNode.start({ ...options, url: slow.url });
      const other = await BareNode.start({ url: redis.url });
      nodes.push(node, other);
      const disconnections: string[] = [];
      node.cluster.on('disconnected', ({ reason }) => disconnections.push(reason));
      // The commands for all of them take longer than the command timeout.
      for (let index = 0; index < 20_000; index++) {
        node.cluster.join(`room ${index}`);
        if (index % 500 === 0) await setImmediate();
      }
      await node.cluster.synchronized();
      expect(disconnections).toEqual([]);
      expect(node.cluster.health().isHealthy).toBe(true);
      for (const index of [0, 19_999]) {
        other.cluster.publish({ kind: 'group', group: `room ${index}` }, encodeSignal('x', undefined, plainCodec), []);
        await node.told.take(({ kind }) => kind === 'signal');
      }
    } finally {
      await slow.close();
    }
  });

  it('stays connected though each answer takes most of the command timeout', async () => {
    const near = await FreezingProxy.start(redis.port);
    const admin = new Redis(redis.url);
    try {
      const options = { nodeTimeout: NODE_TIMEOUT, commandTimeout: NODE_TIMEOUT / 3 };
      const node = await BareNode.start({ ...options, url: near.url });
      nodes.push(node);
      const disconnections: string[] = [];
      node.cluster.on('disconnected', ({ reason }) => disconnections.push(reason));
      near.delay = NODE_TIMEOUT / 9;
      // Each check of the node registers it once.
      const checks = async () => {
        const stats = await admin.info('commandstats');
        return Number(/cmdstat_sadd:calls=(\d+)/.exec(stats)?.[1] ?? 0);
      };
      const before = await checks();
      await expect.poll(checks).toBeGreaterThanOrEqual(before + 4);
      expect(disconnections).toEqual([]);
    } finally {
      admin.disconnect();
      await near.close();
    }
  });

  it('is subscribed to those only that it has not left again, in whatever order that happens', async () => {
    const node = await BareNode.start({ url: proxy.url });
    nodes.push(node);
    const admin = new Redis(redis.url);
    try {
      for (let index = 0; index < 5_000; index++) node.cluster.join(`room ${index}`);
      for (let index = 0; index < 5_000; index++) if (index % 5 > 0) node.cluster.leave(`room ${index}`);
      for (let index = 0; index < 5_000; index++) if (index % 5 === 1) node.cluster.join(`room ${index}`);
      await node.cluster.synchronized();
      const channels = async () =>
        ((await admin.call('pubsub', 'shardchannels', 'webwire:group:*')) as string[]).length;
      await expect.poll(channels).toBe(2_000);
      expect(node.cluster.health()).toMatchObject({ isHealthy: true, channels: 2_000 + 1 });
    } finally {
      admin.disconnect();
    }
  });

  it('comes back however long subscribing takes, keeps its lease meanwhile, and shows how far it is', async () => {
    const options = { nodeTimeout: NODE_TIMEOUT, commandTimeout: NODE_TIMEOUT / 3 };
    const node = await BareNode.start({ ...options, url: proxy.url });
    const other = await BareNode.start({ ...options, url: redis.url });
    nodes.push(node, other);
    expect(await node.cluster.places.take('s', 'place', { limit: 1, isNew: false })).toBe('taken');
    const disconnected = once(node.cluster, 'disconnected');
    proxy.cut();
    await disconnected;
    for (let index = 0; index < GROUPS; index++) node.cluster.join(`room ${index}`);
    expect(node.cluster.health()).toMatchObject({ isHealthy: false, channels: GROUPS + 2 });
    const disconnections: string[] = [];
    node.cluster.on('disconnected', ({ reason }) => disconnections.push(reason));
    const progress: number[] = [];
    const isBack = () => {
      const { returning, isHealthy } = node.cluster.health();
      if (returning) progress.push(returning.channels);
      return isHealthy;
    };
    await expect.poll(isBack, { timeout: 60_000, interval: 50 }).toBe(true);
    expect(disconnections).toEqual([]);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
    expect(new Set(progress).size).toBeGreaterThan(5);
    expect(node.cluster.health()).not.toHaveProperty('returning');
    // A lease that had run out would have let others have the place.
    expect(await other.cluster.places.take('s', 'other', { limit: 1, isNew: false })).toBe('full');
    for (const index of [0, GROUPS - 1]) {
      other.cluster.publish({ kind: 'group', group: `room ${index}` }, encodeSignal('x', undefined, plainCodec), []);
      await node.told.take(({ kind }) => kind === 'signal');
    }
  });
});
