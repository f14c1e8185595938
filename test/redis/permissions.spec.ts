import { Redis } from 'ioredis';
import { readFile } from 'node:fs/promises';
import { Session } from 'nestjs-webwire';
import { RedisSessionManager, WebwireEmitter } from 'nestjs-webwire/redis';
import { expect, it } from 'vitest';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { BareNode } from './bare-node.js';

describeWithRedis('the permissions that docs/redis.md names', () => {
  it('suffice for nodes, session managers and emitters', async () => {
    const page = await readFile(new URL('../../docs/redis.md', import.meta.url), 'utf8');
    const rules = /^user webwire on >password (.*(?:\n {2}.*)*)/m.exec(page)![1]!.split(/\s+/);
    const redis = await RedisServer.start();
    const admin = new Redis(redis.url);
    await admin.call('acl', 'setuser', 'webwire', 'on', '>password', ...rules);
    const url = redis.url.replace('://', '://webwire:password@');
    const manager = new RedisSessionManager({ url, maxAge: 60_000 });
    const emitter = new WebwireEmitter({ url, sessionManager: manager });
    const nodes = [await BareNode.start({ url }), await BareNode.start({ url })];
    try {
      const now = new Date();
      const session = new Session('key', { createdAt: now, lastLookupAt: now, info: undefined });
      await manager.onSessionCreated({ id: 'connection', session });
      expect(await manager.onSessionLookup('key')).not.toBeNull();
      for (const [index, { cluster }] of nodes.entries()) {
        cluster.join('room');
        await cluster.synchronized();
        expect(await cluster.places.take('s', `place ${index}`, { limit: 2, isNew: false })).toBe('taken');
      }
      expect(await emitter.signalGroup('room', 'x')).toBe(2);
      expect(await emitter.closeSession('key')).toBe(0);
      const places = nodes[0]!.cluster.places;
      expect(await places.take('t', 'place', { limit: 1, isNew: true })).toBe('taken');
      expect(await places.close('t', 'place')).toBe(true);
      expect(await places.closeUnheld('t')).toBe(true);
      for (const { cluster } of nodes) cluster.presence.watch();
      expect(await nodes[0]!.cluster.presence.entries('room')).toEqual([]);
      expect(await nodes[1]!.cluster.presence.count('room')).toEqual([{ unnamed: 0, names: [] }]);
      await places.leave('s', 'place 0');
      expect(await places.closeAll('s')).toEqual({ connections: 1, isLast: true });
      // A node that is shut down leaves the set of nodes.
      await nodes.pop()!.stop();
      const refused = (await admin.call('acl', 'log')) as unknown[][];
      // ioredis does without this command, which came with version 7.2.
      expect(refused.filter((entry) => !entry.includes('client|setinfo'))).toEqual([]);
    } finally {
      await Promise.all(nodes.map((node) => node.stop()));
      await emitter.close();
      await manager.onModuleDestroy();
      admin.disconnect();
      await redis.stop();
    }
  });
});
