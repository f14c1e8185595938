import { Redis } from 'ioredis';
import { MessageType } from 'nestjs-webwire/protocol';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { digestOf } from '../../lib/common/key-digest.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { describe as show, type WireClient } from '../support/wire-client.js';
import { compileNode, NodeProcess } from './processes/node-process.js';
import { logOut, restore, signIn } from './session-client.js';

const NODES = 3;
const CLIENTS = 200;
const LIMIT = 3;
const NODE_TIMEOUT = 6_000;

/** A client, and the session that it has according to the messages of the server. */
interface Person {
  client: WireClient;
  node: NodeProcess;
  key: string | undefined;
}

describeWithRedis(
  'three processes with a RedisCluster',
  () => {
    let redis: RedisServer;
    let program: Awaited<ReturnType<typeof compileNode>>;
    let nodes: NodeProcess[];
    let people: Person[];

    beforeAll(async () => {
      program = await compileNode();
      return () => program.remove();
    });
    beforeEach(() => {
      nodes = [];
      people = [];
    });
    afterEach(async () => {
      redis.resume();
      for (const { client } of people) client.socket.terminate();
      await Promise.all(nodes.map((node) => node.kill()));
      await redis.stop();
    });

    async function setUp({ persists = false, clients = CLIENTS, nodeTimeout = NODE_TIMEOUT } = {}): Promise<void> {
      redis = await RedisServer.start({ persists });
      const env = {
        REDIS_URL: redis.url,
        NODE_TIMEOUT: String(nodeTimeout),
        MAX_CONNECTIONS: String(LIMIT),
      };
      nodes = await Promise.all(Array.from({ length: NODES }, () => NodeProcess.start(program.file, env)));
      const joining = Array.from({ length: clients }, (_, index) => join(nodes[index % NODES]!));
      people = await Promise.all(joining);
    }

    async function join(node: NodeProcess): Promise<Person> {
      const client = await node.connect();
      expect(await client.ask('join', 'room')).toBe('binary');
      return { client, node, key: undefined };
    }

    /** Every second person signs in, and the next one, on another node, restores that session. */
    async function pairUp(): Promise<void> {
      const pairs = people.flatMap((person, index) => (index % 2 === 0 ? [[person, people[index + 1]!] as const] : []));
      await Promise.all(
        pairs.map(async ([one, other], index) => {
          one.key = await signIn(one.client, `person ${index}`);
          expect(await restore(other.client, one.key)).toBe('restored');
          other.key = one.key;
        }),
      );
    }

    /** Number of clients with each session, according to the clients. */
    function model(): Map<string, number> {
      const counts = new Map<string, number>();
      for (const { key } of people) if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1);
      return counts;
    }

    /** Number of connections with each session, according to one of the nodes. */
    async function counted(keys: Iterable<string>, node = people[0]!): Promise<Map<string, number>> {
      const counts = new Map<string, number>();
      for (const key of keys) counts.set(key, Number((await node.client.ask('count', key)).slice('utf8 '.length)));
      return counts;
    }

    /** One client sends a signal, which all others receive exactly once. */
    async function isHeardByAll(text: string): Promise<void> {
      const [speaker, ...others] = people;
      expect(await speaker!.client.ask('say', text)).toBe('binary');
      const heard = await Promise.all(others.map(async ({ client }) => show(await client.next())));
      expect(new Set(heard)).toEqual(new Set([`signal said utf8 ${text}`]));
      const whoever = await Promise.all(people.map(({ client }) => client.ask('whoami')));
      for (const answer of whoever) expect(answer).toMatch(/^utf8 /);
    }

    function noneFailed(): void {
      expect(nodes.flatMap(({ rejections }) => rejections)).toEqual([]);
    }

    it('deliver signals of all clients to all clients, and close sessions on all nodes, once', async () => {
      await setUp();
      await pairUp();
      await isHeardByAll('hello');
      expect(await counted(model().keys())).toEqual(model());
      const keys = [...model().keys()];
      // Half of the sessions are closed by their clients, the others by a key, all at the same time.
      const closing = keys.map(async (key, index) => {
        if (index % 2 === 0) return;
        const pair = people.filter((person) => person.key === key);
        expect(await Promise.all(pair.map(({ client }) => logOut(client)))).toEqual(['closed', 'closed']);
      });
      await Promise.all(closing);
      const closer = await nodes[0]!.connect();
      for (const [index, key] of keys.entries()) {
        if (index % 2 === 1) continue;
        expect(await closer.ask('close', key)).toBe('utf8 2');
        for (const { client } of people.filter((person) => person.key === key)) {
          expect((await client.next()).type).toBe(MessageType.SessionClosed);
        }
      }
      closer.socket.terminate();
      expect(nodes.flatMap(({ destroyed }) => destroyed).sort()).toEqual(keys.sort());
      for (const person of people) person.key = undefined;
      expect(new Set((await counted(keys)).values())).toEqual(new Set([0]));
      noneFailed();
    });

    it('never let more have a session than may, in 10 000 restores that race', async () => {
      await setUp({ nodeTimeout: 9_000 });
      const owners = people.slice(0, 20);
      const keys = await Promise.all(owners.map(({ client }, index) => signIn(client, `owner ${index}`)));
      owners.forEach((owner, index) => (owner.key = keys[index]));
      const admin = new Redis(redis.url);
      const over = new AbortController();
      let most = 0;
      const watch = async () => {
        while (!over.signal.aborted) {
          const sizes = await Promise.all(keys.map((key) => admin.scard(`webwire:places:{${digestOf(key)}}`)));
          most = Math.max(most, ...sizes);
        }
      };
      const answers = new Map<string, number>();
      let seed = 1;
      const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
      const race = async (person: Person) => {
        for (let round = 0; round < 10_000 / CLIENTS; round++) {
          const key = keys[random(keys.length)]!;
          // From now on the client may have lost its old session. After the answer it has the new one.
          const before = person.key;
          person.key = undefined;
          const answer = await restore(person.client, key);
          answers.set(answer, (answers.get(answer) ?? 0) + 1);
          person.key = answer === 'restored' ? key : before;
          expect(Math.max(...model().values())).toBeLessThanOrEqual(LIMIT);
        }
      };
      const watching = watch();
      await Promise.all(people.map(race));
      over.abort();
      await watching;
      expect(most).toBe(LIMIT);
      admin.disconnect();
      expect([...answers.keys()].sort()).toEqual(['restored', 'too many']);
      const expected = new Map(keys.map((key) => [key, model().get(key) ?? 0]));
      // A restore removes the client from its old session before the answer.
      await expect.poll(() => counted(keys)).toEqual(expected);
      noneFailed();
    });

    it('remove only the session members of a killed node', async () => {
      await setUp();
      await pairUp();
      const victim = nodes[1]!;
      const before = model();
      const lost = people.filter(({ node }) => node === victim);
      people = people.filter(({ node }) => node !== victim);
      const killedAt = performance.now();
      await victim.kill();
      await isHeardByAll('still there?');
      const expected = new Map([...before.keys()].map((key) => [key, model().get(key) ?? 0]));
      let counts = await counted(before.keys());
      while (JSON.stringify([...counts]) !== JSON.stringify([...expected])) {
        for (const [key, count] of counts) expect(count).toBeGreaterThanOrEqual(expected.get(key)!);
        // A multiple of the timeout of nodes, as the machine may be busy.
        expect(performance.now() - killedAt).toBeLessThan(5 * NODE_TIMEOUT);
        counts = await counted(before.keys());
      }
      nodes.splice(1, 1);
      // Clients that lost their node reconnect to the others, and restore their sessions.
      const returning = lost.map(async ({ key }, index) => {
        const person = await join(nodes[index % nodes.length]!);
        expect(await restore(person.client, key!)).toBe('restored');
        return { ...person, key };
      });
      people.push(...(await Promise.all(returning)));
      expect(await counted(before.keys())).toEqual(before);
      await isHeardByAll('all there');
      noneFailed();
    });

    describe.each([
      ['is killed and comes back with its data', true, 'kill', ['restored', 'too many', 'too many']],
      ['is killed and comes back without its data', false, 'kill', ['not found', 'not found', 'not found']],
      ['stalls for longer than nodes may be silent', false, 'stall', ['restored', 'too many', 'too many']],
    ] as const)('whose Redis %s', (_, persists, how, outcome) => {
      it('serve their clients meanwhile, and agree afterwards', async () => {
        await setUp({ persists, clients: 60 });
        await pairUp();
        const before = model();
        const away = () => nodes.map(({ reports }) => reports.take(({ kind }) => kind === 'disconnected'));
        const back = () => nodes.map(({ reports }) => reports.take(({ kind }) => kind === 'connected'));
        await Promise.all(back());
        if (how === 'kill') await redis.kill();
        else redis.stall();
        await Promise.all(away());
        // Each node still serves its own clients.
        expect(await people[0]!.client.ask('whoami')).toMatch(/^utf8 "person/);
        const stranger = await nodes[0]!.connect();
        expect(await restore(stranger, people[0]!.key!)).toBe('internal error');
        // Some clients disconnect while Redis is away, and one logs out.
        const [leaver] = people.splice(10, 1);
        await leaver!.client.close();
        const quitter = people[20]!;
        expect(await logOut(quitter.client)).toBe('closed');
        quitter.key = undefined;
        if (how === 'stall') {
          const awaySince = async () => {
            const health = JSON.parse((await people[0]!.client.ask('health')).slice('utf8 '.length)) as {
              since: string;
            };
            return Date.parse(health.since);
          };
          await vi.waitUntil(async () => Date.now() - (await awaySince()) > NODE_TIMEOUT, { timeout: 60_000 });
        }
        if (how === 'kill') await redis.startAgain();
        else redis.resume();
        await Promise.all(back());
        const expected = new Map([...before.keys()].map((key) => [key, model().get(key) ?? 0]));
        await expect.poll(() => counted(before.keys()), { timeout: 5 * NODE_TIMEOUT }).toEqual(expected);
        await isHeardByAll('back again');
        for (const node of nodes) {
          const client = await node.connect();
          expect(await client.ask('health')).toContain('"isHealthy":true');
          client.socket.terminate();
        }
        // The limit applies to new clients, if a session still exists.
        const key = people[0]!.key!;
        const answers: string[] = [];
        for (const node of nodes) {
          const person = await join(node);
          people.push(person);
          let answer: string;
          do {
            answer = await restore(person.client, key);
          } while (answer === 'internal error');
          answers.push(answer);
        }
        expect(answers).toEqual(outcome);
        stranger.socket.terminate();
        noneFailed();
      });
    });
  },
  120_000,
);
