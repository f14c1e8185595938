import { Redis } from 'ioredis';
import { Session } from 'nestjs-webwire';
import { RedisSessionManager, WebwireEmitter } from 'nestjs-webwire/redis';
import { plainCodec } from 'nestjs-webwire';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeSignal } from '../../lib/server/signal.js';
import { FreezingProxy } from '../support/freezing-proxy.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { BareNode } from './bare-node.js';

const COMMAND_TIMEOUT = 1_000;
const NODE_TIMEOUT = 3_000;

describeWithRedis(
  'a managed Redis, whose address leads to the primary',
  () => {
    let servers: [RedisServer, RedisServer];
    let admins: [Redis, Redis];
    let address: FreezingProxy;
    const opened: (() => unknown)[] = [];

    beforeEach(async () => {
      servers = await Promise.all([RedisServer.start(), RedisServer.start()]);
      admins = [new Redis(servers[0].url), new Redis(servers[1].url)];
      await follow(1, 0);
      address = await FreezingProxy.start(servers[0].port);
    });
    afterEach(async () => {
      for (const close of opened.splice(0).toReversed()) await close();
      for (const admin of admins) admin.disconnect();
      await address.close();
      await Promise.all(servers.map((server) => server.stop()));
    });

    async function follow(replica: 0 | 1, primary: 0 | 1): Promise<void> {
      await admins[primary].replicaof('NO', 'ONE');
      await admins[replica].replicaof('127.0.0.1', servers[primary].port);
      await expect.poll(() => admins[replica].info('replication')).toContain('master_link_status:up');
    }

    /** Makes the other server the primary; connections to the old one stay open. */
    async function swap(primary: 0 | 1): Promise<void> {
      // After this write, all earlier ones have arrived at the replica, too.
      const before = admins[primary === 0 ? 1 : 0];
      await before.set('marker', '');
      await before.del('marker');
      await before.wait(1, 5_000);
      address.target = servers[primary].port;
      await follow(primary === 0 ? 1 : 0, primary);
    }

    async function startNode(): Promise<BareNode> {
      const node = await BareNode.start({
        url: address.url,
        nodeTimeout: NODE_TIMEOUT,
        commandTimeout: COMMAND_TIMEOUT,
      });
      opened.push(() => node.stop());
      node.cluster.join('room');
      await node.cluster.synchronized();
      return node;
    }

    function startManager(): RedisSessionManager {
      const manager = new RedisSessionManager({ url: address.url, commandTimeout: COMMAND_TIMEOUT });
      opened.push(() => manager.onModuleDestroy());
      return manager;
    }

    it('is found again by nodes, with their places and groups, as often as the roles change', async () => {
      const [a, b] = [await startNode(), await startNode()];
      await a.cluster.places.take('s', 'place', { limit: 1, isNew: false });
      for (const primary of [1, 0] as const) {
        await swap(primary);
        const server = admins[primary];
        const leases = async () => (await server.keys('webwire:node:*')).length;
        // Removes the replicated leases, so that only leases that the nodes write count.
        await server.del('none', ...(await server.keys('webwire:node:*')));
        await expect.poll(leases).toBe(2);
        await expect.poll(() => [a, b].every(({ cluster }) => cluster.health().isHealthy)).toBe(true);
        expect(await b.cluster.places.take('s', 'other', { limit: 1, isNew: false }).catch(() => 'full')).toBe('full');
        a.cluster.publish({ kind: 'group', group: 'room' }, encodeSignal(`to ${primary}`, undefined, plainCodec), []);
        await b.told.take(({ kind }) => kind === 'signal');
      }
    });

    it('is found again by a session manager, without an error for anyone', async () => {
      const manager = startManager();
      const now = new Date();
      const session = new Session('key', { createdAt: now, lastLookupAt: now, info: undefined });
      await manager.onSessionCreated({ id: 'connection', session });
      await swap(1);
      const other = new Session('other', { createdAt: now, lastLookupAt: now, info: undefined });
      await manager.onSessionCreated({ id: 'connection', session: other });
      expect(await admins[1].dbsize()).toBe(2);
      await manager.onSessionClosed('other');
      expect(await manager.onSessionLookup('key')).not.toBeNull();
    });

    it('restores sessions from a replica, and writes their time when the primary is found', async () => {
      const manager = startManager();
      const now = new Date(0);
      const session = new Session('key', { createdAt: now, lastLookupAt: now, info: undefined });
      await manager.onSessionCreated({ id: 'connection', session });
      await swap(1);
      // The connection to the old primary, now a replica, is still open.
      expect((await manager.onSessionLookup('key'))?.lastLookupAt).toEqual(now);
      await expect.poll(async () => (await manager.onSessionLookup('key'))!.lastLookupAt.getTime()).toBeGreaterThan(0);
    });

    it('is found again by an emitter that closes a session', async () => {
      const node = await startNode();
      const manager = startManager();
      const emitter = new WebwireEmitter({
        url: address.url,
        sessionManager: manager,
        commandTimeout: COMMAND_TIMEOUT,
      });
      opened.push(() => emitter.close());
      expect(await emitter.signalGroup('room', 'x')).toBe(1);
      await swap(1);
      expect(await emitter.closeSession('key')).toBe(0);
      await expect.poll(() => node.cluster.health().isHealthy).toBe(true);
      await expect.poll(() => emitter.signalGroup('room', 'x')).toBe(1);
    });

    it('is looked for again while the server there has lost its primary, and cannot be read', async () => {
      const manager = startManager();
      expect(await manager.onSessionLookup('key')).toBeNull();
      await admins[0].config('SET', 'replica-serve-stale-data', 'no');
      await admins[0].replicaof('127.0.0.1', 1);
      await expect(manager.onSessionLookup('key')).rejects.toThrow('MASTERDOWN');
      address.target = servers[1].port;
      await expect.poll(() => manager.onSessionLookup('key').then(String, () => 'failed')).toBe('null');
    });

    it('is looked for again while the server there cannot be written to', async () => {
      const manager = startManager();
      expect(await manager.onSessionLookup('key')).toBeNull();
      await admins[0].replicaof('127.0.0.1', servers[1].port);
      const now = new Date();
      const session = new Session('key', { createdAt: now, lastLookupAt: now, info: undefined });
      const create = () => manager.onSessionCreated({ id: 'connection', session });
      await expect(create()).rejects.toThrow('READONLY');
      address.target = servers[1].port;
      await admins[1].replicaof('NO', 'ONE');
      await expect.poll(() => create().then(() => 'created', String)).toBe('created');
    });
  },
  90_000,
);

describeWithRedis('a Redis that can be read but not written to', () => {
  it('restores sessions, and rejects new ones', async () => {
    const redis = await RedisServer.start({ settings: ['--maxmemory-policy', 'noeviction'] });
    const admin = new Redis(redis.url);
    const manager = new RedisSessionManager({ url: redis.url, maxAge: 60_000 });
    try {
      const now = new Date(1_000);
      const session = new Session('key', { createdAt: now, lastLookupAt: now, info: { user: 'ann' } });
      await manager.onSessionCreated({ id: 'connection', session });
      await admin.config('SET', 'maxmemory', '1');
      const found = { createdAt: now, lastLookupAt: now, info: { user: 'ann' } };
      expect(await manager.onSessionLookup('key')).toEqual(found);
      expect(await manager.onSessionLookup('key')).toEqual(found);
      await expect(manager.onSessionCreated({ id: 'connection', session })).rejects.toThrow('OOM');
      await admin.config('SET', 'maxmemory', '0');
      await manager.onSessionLookup('key');
      expect((await manager.onSessionLookup('key'))!.lastLookupAt.getTime()).toBeGreaterThan(1_000);
    } finally {
      await manager.onModuleDestroy();
      admin.disconnect();
      await redis.stop();
    }
  });
});
