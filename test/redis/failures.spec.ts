import { Redis } from 'ioredis';
import { RedisCluster, RedisUnavailableError, type RedisClusterOptions } from 'nestjs-webwire/redis';
import { channel } from 'node:diagnostics_channel';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterTarget } from '../../lib/server/ports/cluster.js';
import { plainCodec } from '../../lib/protocol/payload-codec.js';
import { encodeSignal } from '../../lib/server/signal.js';
import { SessionError } from '../../lib/session/session-error.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { BareNode } from './bare-node.js';

/** Timeouts in ms, as short as a busy machine allows. */
const NODE_TIMEOUT = 2_100;
const COMMAND_TIMEOUT = 700;
const ROOM: ClusterTarget = { kind: 'group', group: 'room' };
const UNAVAILABLE = { name: 'SessionError', code: 'CLUSTER_UNAVAILABLE' };

const limit = (most: number) => ({ limit: most, isNew: false });
const open = { limit: Infinity, isNew: false };
const fresh = { limit: 3, isNew: true };

describeWithRedis('nodes whose Redis fails', () => {
  let redis: RedisServer;
  let nodes: BareNode[];

  async function setUp(persists: boolean, count = 2, options: Partial<RedisClusterOptions> = {}): Promise<BareNode[]> {
    redis = await RedisServer.start({ persists });
    const starting = Array.from({ length: count }, () =>
      BareNode.start({ url: redis.url, nodeTimeout: NODE_TIMEOUT, commandTimeout: COMMAND_TIMEOUT, ...options }),
    );
    nodes = await Promise.all(starting);
    return nodes;
  }

  beforeEach(() => {
    nodes = [];
  });
  afterEach(async () => {
    redis.resume();
    await Promise.all(nodes.map((node) => node.stop()));
    await redis.stop();
  });

  const places = (node: BareNode) => node.cluster.places;
  const isAway = async (node: BareNode) => {
    await expect.poll(() => node.cluster.health().status).toBe('disconnected');
  };
  const isBack = (node: BareNode) => node.told.take(({ kind }) => kind === 'connected');
  const hexOf = (name: string) => Buffer.from(encodeSignal(name, undefined, plainCodec)).toString('hex');
  const publish = (node: BareNode, name: string) =>
    node.cluster.publish(ROOM, encodeSignal(name, undefined, plainCodec), []);

  describe.each([
    ['keeps its data', true],
    ['loses its data', false],
  ])('and that %s when it is restarted', (_, persists) => {
    it('refuse places with a limit meanwhile, and count all places afterwards', async () => {
      const [a, b] = (await setUp(persists)) as [BareNode, BareNode];
      expect(await places(a).take('s', '1', limit(3))).toBe('taken');
      expect(await places(b).take('s', '2', limit(3))).toBe('taken');
      await redis.kill();
      await Promise.all([isAway(a), isAway(b)]);
      await expect(places(a).take('s', '3', limit(3))).rejects.toMatchObject(UNAVAILABLE);
      await expect(places(a).count('s')).rejects.toMatchObject(UNAVAILABLE);
      // Calls that need no answer of other nodes still succeed.
      expect(await places(a).take('s', '4', open)).toBe('taken');
      expect(await places(b).take('t', '5', fresh)).toBe('taken');
      await places(a).leave('s', '1');
      await redis.startAgain();
      await Promise.all([isBack(a), isBack(b)]);
      expect(await places(b).count('s')).toBe(2);
      expect(await places(a).count('t')).toBe(1);
      // The node refuses this until all nodes have had the time to return.
      await expect
        .poll(() =>
          places(a)
            .take('s', '6', limit(3))
            .catch(() => 'refused'),
        )
        .toBe('taken');
      expect(await places(b).take('s', '7', limit(3))).toBe('full');
      expect([a, b].map(({ cluster }) => cluster.health().places)).toEqual([2, 2]);
    });

    it('count no place as free that a node has which comes back later', async () => {
      const [a, b] = (await setUp(persists)) as [BareNode, BareNode];
      expect(await places(b).take('s', '1', limit(1))).toBe('taken');
      // Has the same effect as a Redis that is away for longer than leases last.
      const admin = new Redis(redis.url);
      await admin.del(...[a, b].map(({ cluster }) => `webwire:node:${cluster.nodeId}`));
      admin.disconnect();
      await redis.kill();
      await Promise.all([isAway(a), isAway(b)]);
      await redis.startAgain();
      const answers = new Set<string>();
      await isBack(a);
      do {
        await setImmediate();
        answers.add(
          await places(a)
            .take('s', '2', limit(1))
            .catch((error: SessionError) => error.code),
        );
      } while (!answers.has('full') || b.cluster.health().status !== 'connected');
      answers.add(
        await places(a)
          .take('s', '2', limit(1))
          .catch((error: SessionError) => error.code),
      );
      expect([...answers]).not.toContain('taken');
      expect(a.lines.some((line) => line.startsWith('Redis has lost its data: '))).toBe(!persists);
      expect(await places(a).count('s')).toBe(1);
    });
  });

  it('come back however many clients come and go meanwhile, and count those that are left', async () => {
    const [a, b] = (await setUp(true)) as [BareNode, BareNode];
    await Promise.all(Array.from({ length: 200 }, (_, index) => places(a).take('s', `old ${index}`, open)));
    await redis.kill();
    await Promise.all([isAway(a), isAway(b)]);
    const coming: Promise<unknown>[] = [];
    let count = 0;
    const over = new AbortController();
    const churn = (async () => {
      for (; !over.signal.aborted; count++) {
        coming.push(places(a).take('s', `new ${count}`, open));
        coming.push(
          places(a)
            .take('t', `tried ${count}`, limit(1))
            .catch(() => 'refused'),
        );
        coming.push(places(a).leave('s', count < 200 ? `old ${count}` : `new ${count - 200}`));
        if (count % 10 === 0)
          coming.push(
            places(a)
              .close('u', `none ${count}`)
              .catch(() => 'refused'),
          );
        await setImmediate();
      }
    })();
    try {
      await redis.startAgain();
      await expect.poll(() => a.cluster.health().isHealthy, { timeout: 10_000 }).toBe(true);
    } finally {
      over.abort();
      await churn;
    }
    await Promise.all([...coming, isBack(b)]);
    await expect.poll(() => [a, b].every(({ cluster }) => cluster.health().isHealthy)).toBe(true);
    const { places: left } = a.cluster.health();
    // If a node returned in two attempts, entries of the first one count until others may judge that they are outdated.
    const counted = async () => (await places(b).count('s')) + (await places(b).count('t'));
    await expect.poll(counted, { timeout: 10_000 }).toBe(left);
    expect(left).toBeGreaterThanOrEqual(200);
  });

  it('give up on an answer that does not come, and go on when it does', async () => {
    const [a, b] = (await setUp(false)) as [BareNode, BareNode];
    expect(await places(a).take('s', '1', limit(2))).toBe('taken');
    redis.stall();
    const refused = [places(b).take('s', '2', limit(2)), places(b).count('s'), places(a).close('s', '1')];
    for (const asking of refused) await expect(asking).rejects.toMatchObject(UNAVAILABLE);
    await Promise.all([isAway(a), isAway(b)]);
    // This call is refused at once, without a command to Redis.
    await expect(places(a).take('s', '3', limit(2))).rejects.toMatchObject(UNAVAILABLE);
    redis.resume();
    await Promise.all([isBack(a), isBack(b)]);
    // Redis may have run the commands that it answered too late. None of them leaves a place.
    await expect
      .poll(() =>
        places(a)
          .count('s')
          .catch(() => -1),
      )
      .toBe(0);
    expect(await places(b).take('s', '2', limit(1))).toBe('taken');
  });

  it('report sessions that were closed while a node could not be reached', async () => {
    const [a] = (await setUp(true, 1)) as [BareNode];
    const admin = new Redis(redis.url);
    try {
      const subscribers = async () => {
        const clients = (await admin.client('LIST')) as string;
        return [...clients.matchAll(/^id=(\d+) .* name=webwire-subscriber /gm)].map(([, id]) => id!);
      };
      const [first] = await subscribers();
      const b = await BareNode.start({ url: redis.url });
      nodes.push(b);
      const second = (await subscribers()).find((id) => id !== first);
      await places(a).take('s', '1', limit(2));
      await places(b).take('s', '2', limit(2));
      // The connection for messages is lost just before.
      await admin.client('KILL', 'ID', second!);
      expect(await places(a).closeAll('s')).toEqual({ connections: 2, isLast: true });
      await b.told.take((told) => told.kind === 'sessionClosed' && told.session === 's');
      await isBack(b);
      expect(await places(b).count('s')).toBe(0);
    } finally {
      admin.disconnect();
    }
  });

  it('keep the latest signals for later, and count those that they drop', async () => {
    const [a, b] = (await setUp(false, 2, { maxWaitingSignals: 3 })) as [BareNode, BareNode];
    b.cluster.join('room');
    await b.cluster.synchronized();
    const drops: number[] = [];
    a.cluster.on('drop', ({ dropped }) => drops.push(dropped));
    await redis.kill();
    await Promise.all([isAway(a), isAway(b)]);
    for (const name of ['1', '2', '3', '4', '5']) publish(a, name);
    expect(drops).toEqual([1, 2]);
    expect(a.cluster.health()).toMatchObject({ waitingSignals: 3, droppedSignals: 2, isHealthy: false });
    await redis.startAgain();
    await isBack(b);
    await isBack(a);
    publish(a, '6');
    // The waiting signals may have been sent before the other node had subscribed again; the last one was not.
    const { message } = (await b.told.take((told) => told.kind === 'signal' && told.message === hexOf('6'))) as never;
    expect(message).toBe(hexOf('6'));
    expect(a.cluster.health()).toMatchObject({ waitingSignals: 0, isHealthy: true });
  });

  it('keep signals from the moment on in which the connection is lost', async () => {
    const [a, b] = (await setUp(true)) as [BareNode, BareNode];
    b.cluster.join('room');
    await b.cluster.synchronized();
    await redis.kill();
    // More signals than may be in flight: the first ones are lost, but not those that wait behind them.
    for (let index = 0; index < 3_000; index++) publish(a, `signal ${index}`);
    await isAway(a);
    expect(a.cluster.health()).toMatchObject({ waitingSignals: 1_000, droppedSignals: 2_000 });
    await redis.startAgain();
    await Promise.all([isBack(a), isBack(b)]);
    expect(a.cluster.health().droppedSignals).toBe(2_000);
  });

  it('send signals that were kept while a lease may have run out, though it was renewed in time', async () => {
    const [a] = (await setUp(false, 1, { nodeTimeout: 900, commandTimeout: 300 })) as [BareNode];
    const admin = new Redis(redis.url);
    await admin.pexpire(`webwire:node:${a.cluster.nodeId}`, 60_000);
    admin.disconnect();
    // A process that is busy or stopped for long cannot renew its lease.
    while (a.cluster.health().isHealthy) continue;
    publish(a, '1');
    expect(a.cluster.health().waitingSignals).toBe(1);
    await expect.poll(() => a.cluster.health().waitingSignals).toBe(0);
  });

  it('report the loss of Redis in logs, events and their health', async () => {
    const heard: unknown[] = [];
    const listener = (event: unknown) => heard.push(event);
    channel('nestjs-webwire:cluster:disconnected').subscribe(listener);
    const [a] = (await setUp(false, 1)) as [BareNode];
    const { nodeId } = a.cluster;
    const since = a.cluster.health().since.getTime();
    expect(a.cluster.health()).toEqual({
      isHealthy: true,
      status: 'connected',
      since: expect.any(Date),
      nodeId,
      places: 0,
      channels: 1,
      waitingSignals: 0,
      droppedSignals: 0,
    });
    const events: unknown[] = [];
    a.cluster.on('disconnected', (event) => events.push(event));
    a.cluster.on('connected', (event) => events.push(event));
    a.cluster.on('connected', () => {
      throw new Error('a listener that fails');
    });
    await redis.kill();
    await isAway(a);
    expect(a.cluster.health()).toMatchObject({ isHealthy: false, status: 'disconnected' });
    expect(a.lines.filter((line) => line.includes('Redis is away'))).toHaveLength(1);
    await redis.startAgain();
    await isBack(a);
    channel('nestjs-webwire:cluster:disconnected').unsubscribe(listener);
    const reason = expect.stringContaining('connection') as string;
    expect(events).toEqual([
      { nodeId, reason },
      { nodeId, places: 0 },
    ]);
    expect(heard).toEqual([{ nodeId, reason, cluster: a.cluster }]);
    expect(a.cluster.health().since.getTime()).toBeGreaterThan(since);
    expect(a.lines.filter((line) => line.includes('Redis is back'))).toHaveLength(1);
    expect(a.lines.join()).toContain("A listener of the cluster's event connected failed");
  });

  it('log malformed messages once', async () => {
    const [a] = (await setUp(false, 1)) as [BareNode];
    const admin = new Redis(redis.url);
    try {
      const head = `${'00'.repeat(16)}${'00'.repeat(8)}`;
      const malformed = ['', '01', '02'.repeat(40), `0100${head}`, `0100${head}7f01`, `01ff${head}`, `0104${head}40`];
      malformed.push(`0100${'00'.repeat(16)}${'ff'.repeat(8)}`, `0102${head}8000`);
      for (const bytes of malformed) await admin.call('spublish', 'webwire:all', Buffer.from(bytes, 'hex'));
      await admin.call('spublish', 'webwire:all', Buffer.from(`0100${head}400161`, 'hex'));
    } finally {
      admin.disconnect();
    }
    const told = await a.told.take();
    expect(told).toEqual({ kind: 'signal', target: { kind: 'all' }, message: '400161', except: [] });
    expect(a.lines.filter((line) => line.includes('malformed cluster message'))).toHaveLength(1);
  });

  describe('with a node that is gone', () => {
    it('have its places when its lease has run out, not before', async () => {
      const [a] = (await setUp(false, 1)) as [BareNode];
      const admin = new Redis(redis.url);
      try {
        // The data that a killed node leaves in Redis.
        await admin.set('webwire:node:gone', '1', 'PX', 2 * NODE_TIMEOUT);
        await admin.sadd('webwire:places:{s}', 'gone.1/1');
        await admin.sadd('webwire:places:{t}', 'gone.1/2');
        await places(a).take('t', '3', limit(2));
        const answers: string[] = [];
        do {
          const answer = await places(a).take('s', '4', limit(1));
          const isAlive = (await admin.exists('webwire:node:gone')) === 1;
          expect([answer, isAlive]).not.toEqual(['taken', true]);
          answers.push(answer);
        } while (answers.at(-1) !== 'taken');
        expect(answers).toContain('full');
        expect(await places(a).count('s')).toBe(1);
        expect(await places(a).count('t')).toBe(1);
        expect(await places(a).close('t', '3')).toBe(true);
      } finally {
        admin.disconnect();
      }
    });
  });

  describe('at the start', () => {
    beforeEach(() => setUp(false, 0));

    it('do not start without Redis, and say why', async () => {
      await redis.kill();
      const starting = BareNode.start({ url: redis.url, nodeTimeout: NODE_TIMEOUT, commandTimeout: COMMAND_TIMEOUT });
      await expect(starting).rejects.toThrow(/^RedisCluster cannot use Redis: connect ECONNREFUSED/);
      await expect(starting).rejects.toBeInstanceOf(RedisUnavailableError);
    });

    it('do not start twice', async () => {
      const node = await BareNode.start({ url: redis.url });
      nodes.push(node);
      await expect(node.cluster.start(node)).rejects.toThrow('a RedisCluster is for one application only');
    });

    it('find Redis by options of ioredis, too', async () => {
      const node = await BareNode.start({ connection: { host: '127.0.0.1', port: redis.port, keyPrefix: 'x:' } });
      nodes.push(node);
      expect(await node.cluster.places.take('s', '1', limit(1))).toBe('taken');
      const admin = new Redis(redis.url);
      expect(await admin.keys('*')).toContain('x:webwire:places:{s}');
      admin.disconnect();
    });

    it('can be stopped without having been started', async () => {
      const cluster = new RedisCluster({ url: redis.url });
      await cluster.stop();
      expect(cluster.health()).toMatchObject({ isHealthy: false, status: 'starting' });
    });

    it('leave the client that they are given as it is', async () => {
      const client = new Redis(redis.url, { lazyConnect: true, keyPrefix: 'mine:' });
      const node = await BareNode.start({ client, prefix: 'app' });
      await node.cluster.places.take('s', '1', limit(1));
      expect(client.status).toBe('wait');
      await node.stop();
      await client.connect();
      expect(await client.call('keys', '*')).toEqual(expect.arrayContaining(['mine:app:places:{s}']));
      client.disconnect();
    });
  });

  it('refuse invalid options', () => {
    const bad: [object, string][] = [
      [{}, 'exactly one of the options client, url and connection; 0 are given'],
      [{ connection: 6379 }, 'RedisCluster.connection is not shown here'],
      [{ url: 'localhost' }, 'RedisCluster.url is not shown here'],
      [{ client: {} }, 'RedisCluster.client is not shown here'],
      [{ url: 'redis://x', client: new Redis({ lazyConnect: true }) }, '; 2 are given'],
      [{ url: 'redis://x', connection: {} }, '; 2 are given'],
      [{ url: 'redis://x', prefix: '{x}' }, "RedisCluster.prefix is '{x}'"],
      [{ url: 'redis://x', prefix: '' }, "RedisCluster.prefix is ''"],
      [{ url: 'redis://x', nodeTimeout: 0 }, 'RedisCluster.nodeTimeout is 0'],
      [{ url: 'redis://x', nodeTimeout: 5_000 }, 'at least three times the commandTimeout, which is 2000'],
      [{ url: 'redis://x', commandTimeout: Infinity }, 'RedisCluster.commandTimeout is Infinity'],
      [{ url: 'redis://x', maxWaitingSignals: -1 }, 'RedisCluster.maxWaitingSignals is -1'],
      [{ url: 'redis://x', timeout: 1 }, 'WebWire has no option RedisCluster.timeout'],
    ];
    for (const [options, message] of bad) {
      expect(() => new RedisCluster(options as RedisClusterOptions)).toThrow(message);
    }
  });
});
