import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  MemorySessionManager,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireService,
  type SessionOptions,
} from 'nestjs-webwire';
import { MessageType } from 'nestjs-webwire/protocol';
import { RedisCluster } from 'nestjs-webwire/redis';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { TestApp } from '../support/test-app.js';
import { logOut, restore, signIn } from './session-client.js';

@WebwireGateway()
class Gateway {
  @WebwireRequest('sign-in') async signIn(
    @ConnectedSocket() connection: WebwireConnection,
    @MessageBody() name: string,
  ) {
    await connection.createSession({ name });
  }
  @WebwireRequest('sign-out') async signOut(@ConnectedSocket() connection: WebwireConnection) {
    await connection.closeSession();
  }
}

/** A store in memory, shared by both applications. */
class Store extends MemorySessionManager {
  readonly destroyed: string[] = [];

  override onSessionClosed(key: string) {
    this.destroyed.push(key);
    super.onSessionClosed(key);
  }
}

describeWithRedis('sessions while Redis is away', () => {
  let redis: RedisServer;
  let store: Store;
  let apps: { app: TestApp; cluster: RedisCluster }[];

  beforeEach(async () => {
    redis = await RedisServer.start({ persists: true });
    store = new Store();
    apps = [];
  });
  afterEach(async () => {
    await Promise.all(apps.map(({ app }) => app.close()));
    await redis.stop();
  });

  async function start(options: SessionOptions = {}): Promise<[TestApp, TestApp]> {
    for (let count = 0; count < 2; count++) {
      const cluster = new RedisCluster({ url: redis.url, nodeTimeout: 3_000, commandTimeout: 1_000 });
      const sessions = { manager: store, ...options };
      apps.push({ app: await TestApp.start({ providers: [Gateway] }, { sessions, cluster }), cluster });
    }
    return [apps[0]!.app, apps[1]!.app];
  }

  async function become(isHealthy: boolean): Promise<void> {
    await expect.poll(() => apps.map(({ cluster }) => cluster.health().isHealthy)).toEqual([isHealthy, isHealthy]);
  }

  it('are closed where that can be done, and elsewhere when it is back, and destroyed once', async () => {
    const [first, second] = await start();
    const [here, there] = [await first.connect(), await second.connect()];
    const key = await signIn(here, 'Ada');
    expect(await restore(there, key)).toBe('restored');
    await redis.kill();
    await become(false);
    const closing = first.get(WebwireService).closeSession(key);
    await expect(closing).rejects.toMatchObject({ code: 'CLUSTER_UNAVAILABLE' });
    expect((await here.next()).type).toBe(MessageType.SessionClosed);
    expect(store.destroyed).toEqual([]);
    await redis.startAgain();
    await become(true);
    expect((await there.next()).type).toBe(MessageType.SessionClosed);
    await expect.poll(() => store.destroyed).toEqual([key]);
    expect(await restore(there, key)).toBe('not found');
  });

  it('are closed at once, and destroyed when it is back if no other connection has them', async () => {
    const [first, second] = await start();
    const clients = [await first.connect(), await first.connect(), await second.connect()] as const;
    const [alone, shared] = [await signIn(clients[0], 'Ada'), await signIn(clients[1], 'Bob')];
    expect(await restore(clients[2], shared)).toBe('restored');
    await redis.kill();
    await become(false);
    expect(await logOut(clients[0])).toBe('closed');
    // Handler and client get an error, as the session may or may not be destroyed.
    clients[1].send('sign-out');
    expect((await clients[1].next()).type).toBe(MessageType.SessionClosed);
    expect((await clients[1].next()).type).toBe(MessageType.ReplyInternalError);
    await redis.startAgain();
    await become(true);
    await expect.poll(() => store.destroyed).toEqual([alone]);
    expect(await first.get(WebwireService).countSessionConnections(shared)).toBe(1);
  });

  it('are destroyed once, even if several nodes have closed them meanwhile', async () => {
    const [first, second] = await start();
    const [here, there] = [await first.connect(), await second.connect()];
    const key = await signIn(here, 'Ada');
    expect(await restore(there, key)).toBe('restored');
    const [others, more] = [await first.connect(), await second.connect()];
    const other = await signIn(others, 'Bob');
    expect(await restore(more, other)).toBe('restored');
    await redis.kill();
    await become(false);
    expect([await logOut(here), await logOut(there)]).toEqual(['closed', 'closed']);
    for (const app of [first, second]) {
      await expect(app.get(WebwireService).closeSession(other)).rejects.toMatchObject({ code: 'CLUSTER_UNAVAILABLE' });
    }
    await redis.startAgain();
    await become(true);
    await expect.poll(() => store.destroyed.length).toBeGreaterThanOrEqual(2);
    // Closing waits in the queue of the session for all earlier operations of the nodes.
    for (const app of [first, second]) {
      await app.get(WebwireService).closeSession(key);
      await app.get(WebwireService).closeSession(other);
    }
    expect(store.destroyed.toSorted()).toEqual([key, other].toSorted());
  });

  it('are not destroyed by a log-out while other connections are not registered again after a loss of data', async () => {
    const [first, second] = await start();
    const [here, there] = [await first.connect(), await second.connect()];
    const key = await signIn(here, 'Ada');
    expect(await restore(there, key)).toBe('restored');
    await redis.kill();
    await become(false);
    await redis.forget();
    await redis.startAgain();
    await become(true);
    const watcher = new Redis(redis.url);
    try {
      // Removes one member, as if its node were the last to return.
      const places = await watcher.keys('webwire:places:*');
      const [member] = await watcher.smembers(places[0]!);
      const isHere = member!.startsWith(apps[0]!.cluster.nodeId);
      const [stays, goes] = isHere ? [here, there] : [there, here];
      await watcher.srem(places[0]!, member!);
      expect(await logOut(goes)).toBe('closed');
      // Adds it again, as its node does when it returns.
      await watcher.sadd(places[0]!, member!);
      await expect.poll(() => Math.max(...apps.map(({ cluster }) => cluster.health().places))).toBe(1);
      expect(apps.reduce((sum, { cluster }) => sum + cluster.health().places, 0)).toBe(1);
      expect(store.destroyed).toEqual([]);
      expect(await logOut(stays)).toBe('closed');
      await expect.poll(() => store.destroyed, { timeout: 10_000 }).toEqual([key]);
    } finally {
      watcher.disconnect();
    }
  });

  it('can be created and, without a limit, restored', async () => {
    const [first, second] = await start();
    await redis.kill();
    await become(false);
    const key = await signIn(await first.connect(), 'Ada');
    expect(await restore(await second.connect(), key)).toBe('restored');
    await expect(first.get(WebwireService).countSessionConnections(key)).rejects.toMatchObject({
      code: 'CLUSTER_UNAVAILABLE',
    });
    await redis.startAgain();
    await become(true);
    expect(await first.get(WebwireService).countSessionConnections(key)).toBe(2);
    expect(await second.get(WebwireService).closeSession(key)).toBe(2);
  });

  it('cannot be restored with a limit, which is no reason to log anything for each', async () => {
    const [first, second] = await start({ maxConnections: 2 });
    const here = await first.connect();
    const key = await signIn(here, 'Ada');
    await redis.kill();
    await become(false);
    const errors = second.logger.at('error').length;
    const there = await second.connect();
    for (let attempt = 0; attempt < 20; attempt++) expect(await restore(there, key)).toBe('internal error');
    expect(second.logger.at('error')).toHaveLength(errors);
    await redis.startAgain();
    await become(true);
    await expect.poll(() => restore(there, key)).toBe('restored');
  });
});
