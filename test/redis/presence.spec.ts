import { randomUUID } from 'node:crypto';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Redis } from 'ioredis';
import {
  WebwireGateway,
  WebwireService,
  type GroupMember,
  type GroupMemberEvent,
  type WebwireConnection,
} from 'nestjs-webwire';
import { RedisCluster } from 'nestjs-webwire/redis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { Keys } from '../../lib/redis/keys.js';
import { Gate } from '../support/gate.js';
import { describeWithRedis, RedisServer, RedisShards } from '../support/redis-server.js';
import { TestApp } from '../support/test-app.js';

@WebwireGateway()
class Main {}

const NODE_TIMEOUT = 1_500;
let prefixes = 0;

/** A connection that only exists for groups. */
function fakeConnection(): WebwireConnection {
  return { id: randomUUID(), isGone: false } as unknown as WebwireConnection;
}

function idOf({ group, connectionId, as }: GroupMemberEvent): string {
  return `${group}/${as ?? connectionId}`;
}

/** A node that keeps the members that the events of its application have reported. */
class Node {
  /** The members of all groups according to the events, with their info. */
  readonly seen = new Map<string, string>();
  readonly events: string[] = [];
  readonly mistakes: string[] = [];

  private constructor(
    readonly app: TestApp,
    readonly cluster: RedisCluster,
    isWatching: boolean,
  ) {
    if (!isWatching) return;
    this.service.on('joined', (event) => {
      if (this.seen.has(idOf(event))) this.mistakes.push(`joined twice: ${idOf(event)}`);
      this.seen.set(idOf(event), JSON.stringify(event.info));
      this.events.push(`joined ${event.group} ${JSON.stringify(event.info)}`);
    });
    this.service.on('left', (event) => {
      if (this.seen.get(idOf(event)) !== JSON.stringify(event.info)) this.mistakes.push(`left unseen: ${idOf(event)}`);
      this.seen.delete(idOf(event));
      this.events.push(`left ${event.group} ${JSON.stringify(event.info)}`);
    });
  }

  static async start(cluster: RedisCluster, isWatching = true): Promise<Node> {
    const app = await TestApp.start({ providers: [Main] }, { cluster, sessions: false });
    return new Node(app, cluster, isWatching);
  }

  get service(): WebwireService {
    return this.app.get(WebwireService);
  }

  join(group: string, info: unknown, as?: string): WebwireConnection {
    const connection = fakeConnection();
    this.service.join(connection, group, { info, as });
    return connection;
  }

  /** The members of some groups, as `seen` has them. */
  async members(...groups: string[]): Promise<Map<string, string>> {
    const listed = await Promise.all(groups.map((group) => this.service.members(group)));
    const entries = listed.flatMap((members, index) =>
      members.map((member) => [idOf({ group: groups[index]!, ...member }), JSON.stringify(member.info)] as const),
    );
    return new Map(entries);
  }

  async infos(group: string): Promise<unknown[]> {
    const members: readonly GroupMember[] = await this.service.members(group);
    return members.map(({ info }) => info);
  }
}

function ordered(map: Map<string, string>): [string, string][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

async function nextMillisecond(): Promise<void> {
  const now = Date.now();
  await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(now);
}

describeWithRedis('the members of groups on several nodes', () => {
  let redis: RedisServer;
  let prefix: string;
  let nodes: Node[];
  let gates: Gate[];

  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());
  beforeEach(() => {
    prefix = `presence:${prefixes++}`;
    nodes = [];
    gates = [];
  });
  afterEach(async () => {
    for (const gate of gates) gate.open();
    await Promise.all(nodes.map(({ app }) => app.close()));
    await Promise.all(gates.map((gate) => gate.close()));
  });

  async function start({ port = redis.port, isWatching = true, nodeTimeout = NODE_TIMEOUT } = {}): Promise<Node> {
    const url = `redis://127.0.0.1:${port}`;
    const commandTimeout = Math.min(nodeTimeout / 3, 5_000);
    const cluster = new RedisCluster({ url, prefix, nodeTimeout, commandTimeout });
    const node = await Node.start(cluster, isWatching);
    nodes.push(node);
    return node;
  }

  async function startMany(count: number, options: Parameters<typeof start>[0] = {}): Promise<Node[]> {
    return Promise.all(Array.from({ length: count }, () => start(options)));
  }

  async function startBehindGate(options: Parameters<typeof start>[0] = {}): Promise<[Node, Gate]> {
    const gate = await Gate.start(redis.port);
    gates.push(gate);
    return [await start({ ...options, port: gate.port }), gate];
  }

  /** All nodes list and have seen the same members. */
  async function expectAgreement(expected: Map<string, string>, ...groups: string[]): Promise<void> {
    for (const node of nodes) {
      await expect.poll(() => ordered(node.seen), { timeout: 15_000 }).toEqual(ordered(expected));
      await expect
        .poll(
          () =>
            node.members(...groups).then(ordered, (error: Error) => {
              return error.message;
            }),
          { timeout: 15_000 },
        )
        .toEqual(ordered(expected));
      expect(node.mistakes).toEqual([]);
    }
  }

  it('are listed by each node from the moment in which they join, in order', async () => {
    const [a, b, c] = (await startMany(3, { isWatching: false })) as [Node, Node, Node];
    const first = a.join('room', { name: 'Ann' });
    // Nodes order joins by their clocks, in milliseconds.
    await nextMillisecond();
    const second = b.join('room', 'Bob');
    b.join('other', 'Carl');
    const members = [
      { connectionId: first.id, info: { name: 'Ann' } },
      { connectionId: second.id, info: 'Bob' },
    ];
    for (const node of [a, b, c]) {
      expect(await node.service.members('room')).toEqual(members);
      expect(await node.service.countMembers('room')).toBe(2);
      expect([await node.service.members('none'), await node.service.countMembers('none')]).toEqual([[], 0]);
    }
    a.service.leave(first, 'room');
    expect(await c.infos('room')).toEqual(['Bob']);
    b.service.leave(second, 'room');
    expect(await c.service.members('room')).toEqual([]);
  });

  it('are one for several connections with the same name, on whatever nodes these are', async () => {
    const [a, b, c] = (await startMany(3)) as [Node, Node, Node];
    const first = a.join('room', 'old', 'ann');
    await nextMillisecond();
    const second = b.join('room', 'new', 'ann');
    await nextMillisecond();
    c.join('room', 'bob', 'bob');
    for (const node of [a, b, c]) {
      expect(await node.infos('room')).toEqual(['new', 'bob']);
      expect(await node.service.countMembers('room')).toBe(2);
    }
    b.service.leave(second, 'room');
    for (const node of [a, b, c]) expect(await node.infos('room')).toEqual(['old', 'bob']);
    a.service.leave(first, 'room');
    await expectAgreement(new Map([['room/bob', '"bob"']]), 'room');
  });

  it.each(['', '\u0000', '\uD800', 'ї {x}', '__proto__'])('may be in a group of any name: %j', async (group) => {
    const [a, b] = (await startMany(2)) as [Node, Node];
    const connection = a.join(group, 'x');
    expect(await b.infos(group)).toEqual(['x']);
    await expectAgreement(new Map([[`${group}/${connection.id}`, '"x"']]), group);
  });

  it('have frozen info on other nodes, too', async () => {
    const [a, b] = (await startMany(2)) as [Node, Node];
    a.join('room', { list: [{ a: 1 }] });
    const [member] = await b.service.members('room');
    const { list } = member!.info as { list: { a: number }[] };
    expect(() => (list[0]!.a = 2)).toThrow(TypeError);
  });

  it('are announced on all nodes once, in the order of their connection', async () => {
    const [a, b, c] = (await startMany(3)) as [Node, Node, Node];
    const connection = a.join('room', 0);
    // From now on the others follow the changes.
    for (const node of [a, b, c]) await expect.poll(() => node.events).toEqual(['joined room 0']);
    for (let info = 1; info < 100; info++) {
      a.service.leave(connection, 'room');
      a.service.join(connection, 'room', { info });
      if (info % 10 === 0) await setImmediate();
    }
    const expected = Array.from({ length: 100 }, (_, info) => [`joined room ${info}`, `left room ${info}`]).flat();
    expected.pop();
    for (const node of [a, b, c]) await expect.poll(() => node.events).toEqual(expected);
  });

  it('that are there already are announced to a node that starts, and to listeners that come later', async () => {
    const a = await start();
    const b = await start({ isWatching: false });
    const connection = a.join('room', 'first');
    const c = await start();
    await expect.poll(() => c.events).toEqual(['joined room "first"']);
    const events: GroupMemberEvent[] = [];
    b.service.on('joined', (event) => void events.push(event));
    await expect.poll(() => events).toEqual([{ group: 'room', connectionId: connection.id, info: 'first' }]);
  });

  it('leave at once when their node is shut down', async () => {
    const [a, b] = (await startMany(2, { nodeTimeout: 600_000 })) as [Node, Node];
    const client = await a.app.connect();
    a.service.join([...a.service.connections][0]!, 'room', { info: 'real' });
    a.join('room', 'never closed');
    await expect.poll(() => b.events).toEqual(['joined room "real"', 'joined room "never closed"']);
    await a.app.close();
    await client.closed;
    await expect.poll(() => b.seen.size).toBe(0);
    expect(await b.service.members('room')).toEqual([]);
    expect(b.mistakes).toEqual([]);
  });

  it('leave when their connection ends', async () => {
    const [a, b] = (await startMany(2)) as [Node, Node];
    const client = await a.app.connect();
    a.service.join([...a.service.connections][0]!, 'room', { info: 'real' });
    await expect.poll(() => b.events).toEqual(['joined room "real"']);
    await client.close();
    await expect.poll(() => b.events).toEqual(['joined room "real"', 'left room "real"']);
    expect(await b.service.countMembers('room')).toBe(0);
  });

  it('leave when their node is cut off, and are back with it, with all changes of meanwhile', async () => {
    const [b, c] = (await startMany(2)) as [Node, Node];
    const [a, gate] = await startBehindGate();
    const [gone, kept] = [a.join('room', 'gone'), a.join('room', 'kept')];
    const elsewhere = b.join('room', 'elsewhere');
    await expect.poll(() => [a, b, c].map(({ seen }) => seen.size)).toEqual([3, 3, 3]);
    gate.shut();
    await expect.poll(() => [b, c].map(({ seen }) => seen.size), { timeout: NODE_TIMEOUT * 2 }).toEqual([1, 1]);
    expect(await c.infos('room')).toEqual(['elsewhere']);
    await expect(a.service.members('room')).rejects.toMatchObject({
      name: 'ClusterUnavailableError',
      code: 'CLUSTER_UNAVAILABLE',
    });
    await expect(a.service.countMembers('room')).rejects.toMatchObject({ code: 'CLUSTER_UNAVAILABLE' });
    a.service.leave(gone, 'room');
    const added = a.join('room', 'added');
    b.service.leave(elsewhere, 'room');
    gate.open();
    const expected = new Map([
      [`room/${kept.id}`, '"kept"'],
      [`room/${added.id}`, '"added"'],
    ]);
    await expectAgreement(expected, 'room');
  });

  it('stay, without any event, when their node is away for less than its timeout', async () => {
    const b = await start({ nodeTimeout: 60_000 });
    const [a, gate] = await startBehindGate({ nodeTimeout: 60_000 });
    const connection = a.join('room', 'stays');
    await expect.poll(() => b.seen.size).toBe(1);
    b.join('room', 'b');
    await expect.poll(() => [a.seen.size, b.seen.size]).toEqual([2, 2]);
    gate.shut();
    await expect.poll(() => a.cluster.health().status).toBe('disconnected');
    gate.open();
    await expect.poll(() => a.cluster.health().status).toBe('connected');
    a.service.leave(connection, 'room');
    await expect.poll(() => b.events).toEqual(['joined room "stays"', 'joined room "b"', 'left room "stays"']);
    await expect.poll(() => a.seen.size).toBe(1);
    expect(a.mistakes).toEqual([]);
  });

  it('are seen also if they joined while the lease of their node may have run out, though it was renewed in time', async () => {
    const [a, b] = (await startMany(2, { nodeTimeout: 900 })) as [Node, Node];
    const first = a.join('room', 'first');
    await expect.poll(() => b.seen.size).toBe(1);
    const admin = new Redis(redis.url);
    for (const { cluster } of nodes) await admin.pexpire(`${prefix}:node:${cluster.nodeId}`, 60_000);
    admin.disconnect();
    // A process that is busy or stopped for long cannot renew its lease.
    while (nodes.some(({ cluster }) => cluster.health().isHealthy)) continue;
    const late = a.join('room', 'late');
    const expected = new Map([
      [`room/${first.id}`, '"first"'],
      [`room/${late.id}`, '"late"'],
    ]);
    await expectAgreement(expected, 'room');
  });

  it('are listed again when Redis has lost its data', async () => {
    const own = await RedisServer.start();
    try {
      const [a, b] = [await start({ port: own.port }), await start({ port: own.port })];
      const [first, second] = [a.join('room', 1), b.join('room', 2)];
      await expect.poll(() => [a.seen.size, b.seen.size]).toEqual([2, 2]);
      await own.kill();
      await expect
        .poll(() => [a, b].map(({ cluster }) => cluster.health().status))
        .toEqual(Array(2).fill('disconnected'));
      await own.startAgain();
      const expected = new Map([
        [`room/${first.id}`, '1'],
        [`room/${second.id}`, '2'],
      ]);
      await expectAgreement(expected, 'room');
      // No member has left and joined again.
      expect([a.events.length, b.events.length]).toEqual([2, 2]);
      await Promise.all(nodes.splice(0).map(({ app }) => app.close()));
    } finally {
      await own.stop();
    }
  });

  it('cost nothing between nodes as long as no node listens or asks', async () => {
    const admin = new Redis(redis.url);
    try {
      const [a] = (await startMany(2, { isWatching: false, nodeTimeout: 600_000 })) as [Node];
      const published = async () => {
        const stats = await admin.info('commandstats');
        return Number(/cmdstat_spublish:calls=(\d+)/.exec(stats)?.[1] ?? 0);
      };
      const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await admin.info('stats'))![1]);
      // Each node checks its subscriptions once, soon after it has started. INFO is a command, too.
      const duringPause = async () => {
        const before = await commands();
        await setTimeout(300);
        return (await commands()) - before;
      };
      await expect.poll(duringPause, { timeout: 10_000 }).toBe(1);
      a.join('room', 0);
      await a.service.synchronized();
      const [before, commandsBefore] = [await published(), await commands()];
      for (let info = 1; info < 1_000; info++) a.join('room', info);
      await a.service.synchronized();
      await setImmediate();
      expect(await published()).toBe(before);
      // The commands of this test itself are not counted.
      expect((await commands()) - commandsBefore).toBeLessThan(10);
    } finally {
      admin.disconnect();
    }
  });

  it('are listed without nodes that are dead, which are removed from the set of nodes', async () => {
    const admin = new Redis(redis.url);
    try {
      const a = await start({ isWatching: false });
      a.join('room', 'here');
      const key = `${prefix}:nodes`;
      await admin.sadd(key, 'dead');
      const remaining = async () => {
        expect(await a.infos('room')).toEqual(['here']);
        return admin.smembers(key);
      };
      await expect.poll(remaining).toEqual([a.cluster.nodeId]);
    } finally {
      admin.disconnect();
    }
  });

  it('may be 10 000 in one group', async () => {
    const [a, b, c] = (await startMany(3, { nodeTimeout: 30_000 })) as [Node, Node, Node];
    const info = { name: 'x'.repeat(100) };
    const joined: WebwireConnection[] = [];
    for (let count = 0; count < 5_000; count++) joined.push(a.join('room', info));
    for (let count = 0; count < 5_000; count++) b.join('room', info);
    expect(await c.service.countMembers('room')).toBe(10_000);
    expect(new Set((await c.service.members('room')).map(({ connectionId }) => connectionId)).size).toBe(10_000);
    for (const node of [a, b, c]) await expect.poll(() => node.seen.size, { timeout: 10_000 }).toBe(10_000);
    for (const connection of joined) a.service.leave(connection, 'room');
    for (const node of [a, b, c]) await expect.poll(() => node.seen.size, { timeout: 10_000 }).toBe(5_000);
    // A node that starts gets all members in messages of a bounded size.
    const d = await start({ nodeTimeout: 30_000 });
    await expect.poll(() => d.seen.size, { timeout: 10_000 }).toBe(5_000);
    expect([a, b, c, d].flatMap(({ mistakes }) => mistakes)).toEqual([]);
  });

  it('agree with a model after random changes, cuts and lost connections', async () => {
    const admin = new Redis(redis.url);
    const [free, [first, gate], [second, other]] = [await start(), await startBehindGate(), await startBehindGate()];
    let seed = Number(process.env.SEED ?? 20_261);
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    const groups = ['g0', 'g1', 'g2'];
    const connections = [free, first, second].map((node) => ({
      node,
      list: Array.from({ length: 12 }, fakeConnection),
    }));
    /** The group, the member and its info that are expected for each group and connection. */
    const model = new Map<string, [string, string, string]>();
    try {
      for (let step = 0; step < 3_000; step++) {
        const { node, list } = connections[random(3)]!;
        const connection = list[random(list.length)]!;
        const group = groups[random(3)]!;
        const key = `${group} ${connection.id}`;
        if (random(3) === 0) {
          node.service.leave(connection, group);
          model.delete(key);
        } else {
          const info = random(3);
          // A connection always joins in the same way: as itself or under a name.
          const as = connection.id < '8' ? undefined : `name ${connection.id.charCodeAt(1) % 4}`;
          node.service.join(connection, group, { info: as ? 0 : info, as });
          model.set(key, [group, as ?? connection.id, String(as ? 0 : info)]);
        }
        if (step % 50 === 0) await setImmediate();
        if (step % 300 === 150) await admin.call('client', 'kill', 'type', random(2) ? 'normal' : 'pubsub');
        if (step === 600) gate.shut();
        if (step === 1_500) {
          // Waits for longer than the lease of the node that is cut off lasts.
          await vi.waitUntil(() => free.service.members('g0').catch(() => undefined), { timeout: 10_000 });
          gate.open();
          other.shut();
        }
        if (step === 2_400) other.open();
      }
      const expected = new Map([...model.values()].map(([group, member, info]) => [`${group}/${member}`, info]));
      await expectAgreement(expected, ...groups);
      for (const node of nodes) {
        for (const group of groups) {
          const count = [...expected.keys()].filter((name) => name.startsWith(`${group}/`)).length;
          expect(await node.service.countMembers(group)).toBe(count);
        }
      }
    } finally {
      admin.disconnect();
    }
  });
});

describeWithRedis('the members of groups with a Redis Cluster', () => {
  let shards: RedisShards;
  beforeAll(async () => {
    shards = await RedisShards.start();
  });
  afterAll(() => shards.stop());

  it('are those of all nodes', async () => {
    const start = () => Node.start(new RedisCluster({ client: shards.client(), prefix: 'presence' }));
    const [a, b] = await Promise.all([start(), start()]);
    const joined = ['g0', 'g1', 'g2', 'g3'].map((group) => [group, a.join(group, group)] as const);
    const expected = new Map(joined.map(([group, { id }]) => [`${group}/${id}`, JSON.stringify(group)]));
    expect(await b.members('g0', 'g1', 'g2', 'g3')).toEqual(expected);
    await expect.poll(() => ordered(b.seen)).toEqual(ordered(expected));
    await a.app.close();
    await expect.poll(() => b.seen.size).toBe(0);
    expect(await b.service.countMembers('g0')).toBe(0);
    await b.app.close();
  });

  it('are seen by a node that missed changes while the slot of their channel moved', async () => {
    const prefix = 'moved';
    const { presenceChannel } = new Keys(prefix);
    const start = () => Node.start(new RedisCluster({ client: shards.client(), prefix }));
    const [a, b] = await Promise.all([start(), start()]);
    const staying = a.join('g', 'stays');
    const leaving = a.join('g', 'leaves');
    await expect.poll(() => b.seen.size).toBe(2);
    const home = await shards.masterOf(presenceChannel);
    await shards.move(
      presenceChannel,
      shards.servers.find((server) => server !== home)!,
    );
    // No node has subscribed on the new server yet.
    a.service.leave(leaving, 'g');
    const late = a.join('g', 'joins');
    const expected = new Map([
      [`g/${staying.id}`, '"stays"'],
      [`g/${late.id}`, '"joins"'],
    ]);
    await expect.poll(() => ordered(b.seen)).toEqual(ordered(expected));
    // Changes are followed again.
    a.service.leave(late, 'g');
    await expect.poll(() => b.seen.size).toBe(1);
    expect(b.events).toEqual([
      'joined g "stays"',
      'joined g "leaves"',
      'left g "leaves"',
      'joined g "joins"',
      'left g "joins"',
    ]);
    expect([...a.mistakes, ...b.mistakes]).toEqual([]);
    await a.app.close();
    await b.app.close();
  });
});
