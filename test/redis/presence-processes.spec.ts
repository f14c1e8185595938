import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import type { WireClient } from '../support/wire-client.js';
import { compileNode, NodeProcess } from './processes/node-process.js';

const NODE_TIMEOUT = 3_000;

describeWithRedis('the members of groups on nodes that are processes', () => {
  let redis: RedisServer;
  let program: Awaited<ReturnType<typeof compileNode>>;
  let nodes: NodeProcess[];
  let clients: WireClient[];

  beforeAll(async () => {
    [redis, program] = await Promise.all([RedisServer.start(), compileNode()]);
  });
  afterAll(() => Promise.all([redis.stop(), program.remove()]));

  beforeEach(async () => {
    const env = { REDIS_URL: redis.url, NODE_TIMEOUT: String(NODE_TIMEOUT), MAX_CONNECTIONS: '3', WATCHES: '1' };
    nodes = await Promise.all([1, 2, 3].map(() => NodeProcess.start(program.file, env)));
    clients = await Promise.all(nodes.map((node) => node.connect()));
    for (const [index, client] of clients.entries()) await client.ask('enter', `p${index}`);
    for (const node of nodes) for (const info of ['p0', 'p1', 'p2']) await seen(node, 'joined', info);
  });
  afterEach(async () => {
    for (const { socket } of clients) socket.terminate();
    await Promise.all(nodes.map((node) => node.kill()));
  });

  /** Waits for an event. Returns the time at which it arrived. */
  async function seen(node: NodeProcess, kind: 'joined' | 'left', info: string): Promise<number> {
    await node.reports.take((report) => report.kind === kind && 'info' in report && report.info === info);
    return performance.now();
  }

  /** The other events that a node has reported. */
  function eventsOf(node: NodeProcess): unknown[] {
    return node.reports.rest.filter(({ kind }) => kind === 'joined' || kind === 'left');
  }

  it('leave within the node timeout when their node is killed, and are no longer listed', async () => {
    const [a, b, c] = nodes as [NodeProcess, NodeProcess, NodeProcess];
    const killedAt = performance.now();
    await a.kill();
    const answers = clients.slice(1).map((client) => client.ask('people'));
    const times = await Promise.all([b, c].map((node) => seen(node, 'left', 'p0')));
    // One second more, for a busy machine.
    for (const time of times) expect(time - killedAt).toBeLessThan(NODE_TIMEOUT + 1_000);
    expect(await Promise.all(answers)).toEqual(['utf8 "p1","p2"', 'utf8 "p1","p2"']);
    expect([b, c].flatMap(eventsOf)).toEqual([]);
  });

  it('leave when their node is stopped, and join when it continues', async () => {
    const [a, b, c] = nodes as [NodeProcess, NodeProcess, NodeProcess];
    a.stall();
    await Promise.all([b, c].map((node) => seen(node, 'left', 'p0')));
    expect(await clients[1]!.ask('people')).toBe('utf8 "p1","p2"');
    a.resume();
    await Promise.all([b, c].map((node) => seen(node, 'joined', 'p0')));
    for (const client of clients) await expect.poll(() => client.ask('people')).toBe('utf8 "p0","p1","p2"');
    expect(nodes.flatMap(eventsOf)).toEqual([]);
  });
});
