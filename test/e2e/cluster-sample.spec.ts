import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { jsonCodec, WebwireClient } from 'nestjs-webwire/client';
import { beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { ChatApi, ChatMessage, Person } from '../../sample/03-chatroom/api/chat-api.js';
import { Queue } from '../support/queue.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { compiledSample } from '../support/sample.js';

/** Compiled by `npm run build:sample`, and using the built package, as a user would. */
const PROGRAM = compiledSample('06-cluster', '06-cluster/src/main.js');

const ADA = { name: 'Ada', password: 'engine' };
const GRACE = { name: 'Grace', password: 'compiler' };
const HEDY = { name: 'Hedy', password: 'spectrum' };

const draft = (words: string) => ({ nonce: crypto.randomUUID(), text: words });
const names = (people: readonly Person[]) => people.map(({ name }) => name).join();

function launch(redisUrl: string) {
  return spawn(process.execPath, [PROGRAM], {
    env: { ...process.env, PORT: '0', NO_COLOR: '1', REDIS_URL: redisUrl },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** The three nodes, their proxy and their logs. */
class Cluster {
  url = '';
  #output = '';

  private constructor(private readonly main: ChildProcessByStdio<null, Readable, Readable>) {}

  static async start(redisUrl: string): Promise<Cluster> {
    const cluster = new Cluster(launch(redisUrl));
    onTestFinished(() => cluster.stop());
    for (const stream of [cluster.main.stdout, cluster.main.stderr]) {
      stream.on('data', (chunk) => (cluster.#output += String(chunk)));
    }
    cluster.url = (await cluster.logged(/The chat room is open: http:(\S+)/)).replace(/^/, 'ws:');
    return cluster;
  }

  /** The id of the current process of a node. */
  pidOf(node: number): number {
    return Number(
      [...this.#output.matchAll(/Node (\d) is process (\d+)/g)].findLast(([, n]) => Number(n) === node)![2],
    );
  }

  /** Waits for a line; returns the group in it. */
  async logged(line: RegExp): Promise<string> {
    return (await vi.waitUntil(() => line.exec(this.#output), { timeout: 60_000 }))[1]!;
  }

  async stop(): Promise<void> {
    if (this.main.exitCode !== null) return;
    this.main.kill('SIGTERM');
    await once(this.main, 'exit');
  }
}

/** A client that records the signals that it receives. */
class Guest {
  readonly client: WebwireClient<ChatApi>;
  readonly messages = new Queue<ChatMessage>();
  readonly people = new Queue<string>();
  readonly returns = new Queue<boolean>();

  constructor(private readonly cluster: Cluster) {
    this.client = new WebwireClient<ChatApi>(`${cluster.url}chat`, { webSocket: WebSocket, codec: jsonCodec });
    onTestFinished(() => this.client.close());
    this.client.onSignal('message', ({ body }) => this.messages.push(body));
    this.client.onSignal('people', ({ body }) => this.people.push(names(body)));
    this.client.on('connected', ({ isSessionRestored }) => this.returns.push(isSessionRestored));
  }

  async signIn(credentials: typeof ADA): Promise<this> {
    await this.client.request('signIn', credentials);
    await this.client.request('enter');
    return this;
  }

  async openTab(): Promise<Guest> {
    const tab = new Guest(this.cluster);
    await tab.client.restoreSession(this.client.session!.key);
    await tab.client.request('enter');
    return tab;
  }

  async say(words: string): Promise<ChatMessage> {
    return (await this.client.request('say', draft(words))).body;
  }
}

describeWithRedis(
  'the chat room on three processes',
  () => {
    let redis: RedisServer;

    beforeAll(async () => {
      redis = await RedisServer.start();
      return () => redis.stop();
    });
    it('is one room', async () => {
      const cluster = await Cluster.start(redis.url);
      const guests = [new Guest(cluster), new Guest(cluster), new Guest(cluster)];
      const [ada, grace, hedy] = guests as [Guest, Guest, Guest];
      await ada.signIn(ADA);
      await grace.signIn(GRACE);
      await hedy.signIn(HEDY);
      for (const guest of guests) await guest.people.take((people) => people === 'Ada,Grace,Hedy');
      // Each client is on a different node.
      const said: ChatMessage[] = [];
      for (const guest of guests) said.push(await guest.say(`message ${said.length}`));
      expect(said.map(({ id }) => id)).toEqual(said.map(({ id }) => id).sort((a, b) => a - b));
      expect(new Set(said.map(({ id }) => id)).size).toBe(3);
      for (const guest of guests) {
        for (const message of said) expect(await guest.messages.take(({ id }) => id === message.id)).toEqual(message);
        const { body } = await guest.client.request('enter');
        expect(body.page).toEqual({ messages: said, hasEarlier: false });
        expect(names(body.people)).toBe('Ada,Grace,Hedy');
        expect(guest.messages.rest).toEqual([]);
      }
      // A message that is sent again to another node does not appear twice.
      const tab = await ada.openTab();
      const { id: _id, sender: _sender, sentAt: _sentAt, ...sent } = said[0]!;
      expect((await tab.client.request('say', sent)).body).toEqual(said[0]);
      // Signing out in one tab signs out all tabs, on all nodes.
      const isClosed = new Promise((resolve) => tab.client.on('sessionClosed', resolve));
      await ada.client.request('signOut');
      await isClosed;
      await grace.people.take((people) => people === 'Grace,Hedy');
      await hedy.people.take((people) => people === 'Grace,Hedy');
    });

    it('keeps working when a node is killed', async () => {
      const cluster = await Cluster.start(redis.url);
      const guests = [new Guest(cluster), new Guest(cluster), new Guest(cluster)];
      const [ada, grace, hedy] = guests as [Guest, Guest, Guest];
      await ada.signIn(ADA);
      await grace.signIn(GRACE);
      await hedy.signIn(HEDY);
      for (const guest of guests) await guest.returns.take();
      const before = await ada.say('before');
      const killed = cluster.pidOf(2);
      process.kill(killed, 'SIGKILL');
      const lost = await Promise.race(
        guests.map(async (guest) => {
          expect(await guest.returns.take()).toBe(true);
          return guest;
        }),
      );
      const { body } = await lost.client.request('enter');
      expect(body.page.messages.at(-1)).toEqual(before);
      const after = await lost.say('after');
      for (const guest of guests) expect(await guest.messages.take(({ id }) => id === after.id)).toEqual(after);
      await expect.poll(async () => names((await ada.client.request('enter')).body.people)).toBe('Ada,Grace,Hedy');
      await cluster.logged(/(Node 2 has ended)/);
      await expect.poll(() => cluster.pidOf(2)).not.toBe(killed);
    });

    it('prints an instruction if there is no Redis', async () => {
      const program = launch('redis://:secret@127.0.0.1:1');
      const [errors, [code]] = await Promise.all([text(program.stderr), once(program, 'exit')]);
      expect(errors).toContain('No Redis at 127.0.0.1:1 that can be used');
      expect(errors).toContain('redis-server');
      expect(errors).not.toContain('secret');
      expect(code).toBe(1);
    });
  },
  90_000,
);
