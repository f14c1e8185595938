import { once } from 'node:events';
import { Redis } from 'ioredis';
import { Session } from 'nestjs-webwire';
import { RedisSessionManager, WebwireEmitter } from 'nestjs-webwire/redis';
import { plainCodec } from 'nestjs-webwire';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { encodeSignal } from '../../lib/server/signal.js';
import { FreezingProxy } from '../support/freezing-proxy.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { BareNode } from './bare-node.js';

const NODE_TIMEOUT = 2_100;
const COMMAND_TIMEOUT = 700;
const ROOM = { kind: 'group', group: 'room' } as const;

describeWithRedis('connections to Redis that go silent while new ones work', () => {
  let redis: RedisServer;
  let proxy: FreezingProxy;
  const opened: (() => unknown)[] = [];

  beforeEach(async () => {
    redis = await RedisServer.start();
    proxy = await FreezingProxy.start(redis.port);
  });
  afterEach(async () => {
    for (const close of opened.splice(0).toReversed()) await close();
    await proxy.close();
    await redis.stop();
  });

  async function startNode(url = proxy.url): Promise<BareNode> {
    const node = await BareNode.start({ url, nodeTimeout: NODE_TIMEOUT, commandTimeout: COMMAND_TIMEOUT });
    opened.push(() => node.stop());
    return node;
  }

  async function becomesHealthy(node: BareNode): Promise<void> {
    await expect.poll(() => node.cluster.health().isHealthy, { timeout: 15_000 }).toBe(true);
  }

  /** Freezes connections and waits until the node reports it. A node may be healthy again too soon to see it by polling. */
  async function freeze(name: string, node: BareNode): Promise<number> {
    const disconnected = once(node.cluster, 'disconnected');
    const frozen = proxy.freeze(name);
    await disconnected;
    return frozen;
  }

  /** The node receives signals to a group, and its session members are in Redis. */
  async function worksAgain(node: BareNode, other: BareNode): Promise<void> {
    await becomesHealthy(node);
    other.cluster.publish(ROOM, encodeSignal('there', undefined, plainCodec), []);
    await node.told.take(({ kind }) => kind === 'signal');
    node.cluster.publish(ROOM, encodeSignal('back', undefined, plainCodec), []);
    await other.told.take(({ kind }) => kind === 'signal');
    expect(await other.cluster.places.count('s')).toBe(1);
  }

  it.each([
    ['messages', 'webwire-subscriber'],
    ['commands', 'webwire\r\n'],
    ['both', 'webwire'],
  ])('are replaced by a node: that for %s', async (_, name) => {
    const [node, other] = [await startNode(), await startNode(redis.url)];
    for (const { cluster } of [node, other]) cluster.join('room');
    await Promise.all([node.cluster.synchronized(), other.cluster.synchronized()]);
    expect(await node.cluster.places.take('s', 'place', { limit: 1, isNew: false })).toBe('taken');
    expect(await freeze(name, node)).toBe(name === 'webwire' ? 2 : 1);
    await worksAgain(node, other);
  });

  it('are replaced as often as they go silent', async () => {
    const [node, other] = [await startNode(), await startNode(redis.url)];
    for (const { cluster } of [node, other]) cluster.join('room');
    expect(await node.cluster.places.take('s', 'place', { limit: 1, isNew: false })).toBe('taken');
    for (const name of ['webwire-subscriber', 'webwire\r\n', 'webwire-subscriber']) {
      await freeze(name, node);
      await worksAgain(node, other);
    }
  });

  it('lose the closing of a session, which the node learns when it is back', async () => {
    const [node, other] = [await startNode(), await startNode(redis.url)];
    await node.cluster.places.take('s', 'place', { limit: 1, isNew: false });
    proxy.freeze('webwire-subscriber');
    expect(await other.cluster.places.closeAll('s')).toMatchObject({ isLast: true });
    expect(await node.told.take(({ kind }) => kind === 'sessionClosed')).toEqual({
      kind: 'sessionClosed',
      session: 's',
    });
  });

  it('are replaced by a session manager during its operations', async () => {
    const manager = new RedisSessionManager({ url: proxy.url, commandTimeout: COMMAND_TIMEOUT });
    opened.push(() => manager.onModuleDestroy());
    await manager.onSessionCreated(connectionWith('key'));
    proxy.freeze();
    await expect(manager.onSessionLookup('key')).rejects.toMatchObject({ code: 'SESSION_STORE_FAILED' });
    expect(await manager.onSessionLookup('key')).not.toBeNull();
  });

  it('are replaced by a session manager also when the client was given, which stays as it is', async () => {
    const client = new Redis(proxy.url, { keyPrefix: 'app:' });
    client.on('error', () => undefined);
    opened.push(() => client.disconnect());
    const manager = new RedisSessionManager({ client, commandTimeout: COMMAND_TIMEOUT });
    opened.push(() => manager.onModuleDestroy());
    await manager.onSessionCreated(connectionWith('key'));
    proxy.freeze();
    await expect(manager.onSessionLookup('key')).rejects.toMatchObject({ code: 'SESSION_STORE_FAILED' });
    expect(await manager.onSessionLookup('key')).not.toBeNull();
    expect(client.status).toBe('ready');
  });

  it('are replaced by an emitter', async () => {
    const node = await startNode(redis.url);
    node.cluster.join('room');
    await node.cluster.synchronized();
    const emitter = new WebwireEmitter({ url: proxy.url, commandTimeout: COMMAND_TIMEOUT });
    opened.push(() => emitter.close());
    expect(await emitter.signalGroup('room', 'x')).toBe(1);
    proxy.freeze();
    await expect(emitter.signalGroup('room', 'x')).rejects.toMatchObject({ code: 'CLUSTER_UNAVAILABLE' });
    expect(await emitter.signalGroup('room', 'x')).toBe(1);
  });

  it('are abandoned if the server accepts them but does not answer', async () => {
    const node = await startNode();
    const disconnected = once(node.cluster, 'disconnected');
    redis.stall();
    await disconnected;
    // Attempts made until now hang in their ready checks. Later attempts reach another server.
    const successor = await RedisServer.start();
    opened.unshift(() => successor.stop());
    proxy.target = successor.port;
    await becomesHealthy(node);
    redis.resume();
  });
});

function connectionWith(key: string) {
  const now = new Date();
  return { id: 'connection', session: new Session(key, { createdAt: now, lastLookupAt: now, info: undefined }) };
}
