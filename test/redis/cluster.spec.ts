import { NestFactory } from '@nestjs/core';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import { Redis } from 'ioredis';
import {
  WebwireAdapter,
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireService,
  type NestLocator,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { defineContract } from 'nestjs-webwire/contract';
import { MessageType } from 'nestjs-webwire/protocol';
import { RedisCluster, RedisSessionManager, WebwireEmitter } from 'nestjs-webwire/redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod'; // not `{ z }`, which Vitest does not find on Bun
import { digestOf } from '../../lib/common/key-digest.js';
import { describeWithRedis, RedisServer } from '../support/redis-server.js';
import { TestApp } from '../support/test-app.js';
import { describe as show, type WireClient } from '../support/wire-client.js';
import { logOut, restore, signIn } from './session-client.js';

const { said } = defineContract({ serverSignals: { said: { body: z.object({ text: z.string() }) } } }).serverSignals;

@WebwireGateway()
class Main {
  constructor(readonly service: WebwireService) {}

  @WebwireRequest('id') id(@ConnectedSocket() connection: WebwireConnection) {
    return connection.id;
  }
  @WebwireRequest('join') async join(@ConnectedSocket() connection: WebwireConnection, @MessageBody() group: string) {
    this.service.join(connection, group);
    await this.service.synchronized();
  }
  @WebwireRequest('leave') leave(@ConnectedSocket() connection: WebwireConnection, @MessageBody() group: string) {
    this.service.leave(connection, group);
  }
  @WebwireRequest('say') say(@ConnectedSocket() connection: WebwireConnection, @MessageBody() text: string) {
    return String(this.service.signalGroup('room', 'said', text, { except: connection }));
  }
  @WebwireRequest('sign-in') async signIn(
    @ConnectedSocket() connection: WebwireConnection,
    @MessageBody() name: string,
  ) {
    await connection.createSession({ name });
  }
  @WebwireRequest('whoami') whoami(@ConnectedSocket() connection: WebwireConnection) {
    return JSON.stringify(connection.session?.info?.name ?? null);
  }
  @WebwireRequest('sign-out') async signOut(@ConnectedSocket() connection: WebwireConnection) {
    await connection.closeSession();
  }
}

@WebwireGateway({ path: '/other' })
class Other {
  constructor(readonly service: WebwireService) {}

  @WebwireRequest('join') async join(@ConnectedSocket() connection: WebwireConnection, @MessageBody() group: string) {
    this.service.join(connection, group);
    await this.service.synchronized();
  }
  @WebwireRequest('id') id(@ConnectedSocket() connection: WebwireConnection) {
    return connection.id;
  }
}

let prefixes = 0;
let ends = 0;

describeWithRedis('two applications with a RedisCluster', () => {
  let redis: RedisServer;
  let prefix: string;
  let first: TestApp;
  let second: TestApp;
  /** Keys of the sessions that the stores of both have destroyed. */
  let destroyed: string[];

  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());

  class Store extends RedisSessionManager {
    override async onSessionClosed(key: string) {
      destroyed.push(key);
      await super.onSessionClosed(key);
    }
  }

  function start(options: WebwireModuleOptions = {}): Promise<TestApp> {
    const cluster = new RedisCluster({ url: redis.url, prefix });
    const manager = new Store({ url: redis.url, prefix: `${prefix}:sessions` });
    return TestApp.start(
      { providers: [Main, Other] },
      { sessions: { manager, maxConnections: 3 }, cluster, ...options },
    );
  }

  beforeEach(async () => {
    prefix = `test:${prefixes++}`;
    destroyed = [];
    [first, second] = await Promise.all([start(), start()]);
  });
  afterEach(() => Promise.all([first.close(), second.close()]));

  const serviceOf = (app: TestApp) => app.get(WebwireService);

  /** The messages to a client so far. They arrive before the reply to a request. */
  async function received(client: WireClient): Promise<string[]> {
    client.send('id');
    const lines: string[] = [];
    for (;;) {
      const message = await client.next();
      if (message.type === MessageType.ReplyUtf8) return lines;
      lines.push(show(message));
    }
  }

  /** The signals of an application to a client so far. They arrive before a last signal. */
  async function through(from: TestApp, to: WireClient): Promise<string[]> {
    const lines: string[] = [];
    const until = async (last: string) => {
      for (let line = show(await to.next()); line !== last; line = show(await to.next())) lines.push(line);
    };
    const group = `end ${ends++}`;
    to.send('join', group);
    await until('binary');
    serviceOf(from).signalGroup(group, group);
    await until(`signal ${group} binary `);
    return lines;
  }

  describe('signals', () => {
    it('to all reach the connections of both, once', async () => {
      const [here, there] = [await first.connect(), await second.connect()];
      expect(serviceOf(first).broadcast('news', 'ü')).toBe(1);
      expect(show(await there.next())).toBe('signal news utf8 ü');
      expect(await received(here)).toEqual(['signal news utf8 ü']);
      serviceOf(first).broadcast('bytes', Buffer.from([0, 255, 10, 13]));
      expect(show(await there.next())).toBe('signal bytes binary 00ff0a0d');
      expect(await through(second, here)).toEqual(['signal bytes binary 00ff0a0d']);
    });

    it('to the server of a gateway reach that server only', async () => {
      const [main, other] = [await second.connect(), await second.connect('/other')];
      serviceOf(first).broadcast('x', '1', { gateway: Other });
      serviceOf(first).broadcast('x', '2', { gateway: Main });
      expect(await through(first, main)).toEqual(['signal x utf8 2']);
      expect(await through(first, other)).toEqual(['signal x utf8 1']);
    });

    it('to a group reach its members on all nodes, except for excluded ones', async () => {
      const [here, there, outside] = [await first.connect(), await second.connect(), await second.connect()];
      await here.ask('join', 'room');
      await there.ask('join', 'room');
      expect(await here.ask('say', 'hello')).toBe('utf8 0');
      expect(show(await there.next())).toBe('signal said utf8 hello');
      expect(await there.ask('say', 'hi')).toBe('utf8 0');
      expect(show(await here.next())).toBe('signal said utf8 hi');
      await there.ask('leave', 'room');
      expect(await here.ask('say', 'anybody?')).toBe('utf8 0');
      expect(await through(first, there)).toEqual([]);
      expect(await through(first, outside)).toEqual([]);
      await there.ask('join', 'room');
      await here.ask('say', 'again');
      expect(show(await there.next())).toBe('signal said utf8 again');
    });

    it('reach groups of any name', async () => {
      const there = await second.connect();
      for (const group of ['', '{a}', '{}', 'ü🎈', '\ud800', '\n', 'x'.repeat(3_000)]) {
        const [connection] = serviceOf(second).connections;
        serviceOf(second).join(connection!, group);
        await serviceOf(second).synchronized();
        serviceOf(first).signalGroup(group, 'in', 'x');
        expect(show(await there.next())).toBe('signal in utf8 x');
      }
    });

    it('are subscribed to only by nodes with receivers', async () => {
      const client = new Redis(redis.url);
      try {
        const channels = async () => {
          const names = (await client.call('pubsub', 'shardchannels', `${prefix}:*`)) as string[];
          // Channels for the checks of nodes always exist.
          return names.filter((name) => !name.startsWith(`${prefix}:probe:`)).length;
        };
        expect(await channels()).toBe(1);
        const [here, there] = [await first.connect(), await second.connect()];
        await here.ask('join', 'room');
        await there.ask('join', 'room');
        const key = await signIn(here, 'Ada');
        expect(await restore(there, key)).toBe('restored');
        expect(await channels()).toBe(3);
        await here.close();
        await there.ask('leave', 'room');
        await there.ask('sign-out').catch(() => undefined);
        await expect.poll(channels).toBe(1);
      } finally {
        client.disconnect();
      }
    });

    it('that do not fit a client are refused there, and logged', async () => {
      const there = await second.connect();
      serviceOf(first).broadcast('big', Buffer.alloc(8_192));
      expect(await through(first, there)).toEqual([]);
      expect(second.logger.at('warn').join()).toContain('was not delivered');
    });
  });

  describe('sessions', () => {
    it('are restored on the other, within the limit of both together', async () => {
      const clients = await Promise.all([first, second, first, second].map((app) => app.connect()));
      const key = await signIn(clients[0]!, 'Ada');
      expect(await restore(clients[1]!, key)).toBe('restored');
      expect(await clients[1]!.ask('whoami')).toBe('utf8 "Ada"');
      expect(await restore(clients[2]!, key)).toBe('restored');
      expect(await restore(clients[3]!, key)).toBe('too many');
      expect(await serviceOf(second).countSessionConnections(key)).toBe(3);
      expect([serviceOf(first), serviceOf(second)].map((service) => service.sessionConnections(key).length)).toEqual([
        2, 1,
      ]);
      await clients[0]!.close();
      await expect.poll(() => restore(clients[3]!, key)).toBe('restored');
    });

    it('get signals on both', async () => {
      const [here, there] = [await first.connect(), await second.connect()];
      const key = await signIn(here, 'Ada');
      await restore(there, key);
      expect(serviceOf(first).signalSession(key, 'mail', '1')).toBe(1);
      expect(show(await here.next())).toBe('signal mail utf8 1');
      expect(show(await there.next())).toBe('signal mail utf8 1');
    });

    it('are closed on both, and destroyed once', async () => {
      const clients = await Promise.all([first, second, second].map((app) => app.connect()));
      const key = await signIn(clients[0]!, 'Ada');
      for (const client of clients.slice(1)) expect(await restore(client, key)).toBe('restored');
      expect(await serviceOf(second).closeSession(key)).toBe(3);
      for (const client of clients) expect((await client.next()).type).toBe(MessageType.SessionClosed);
      for (const client of clients) expect(await client.ask('whoami')).toBe('utf8 null');
      expect(destroyed).toEqual([key]);
      expect(await serviceOf(first).closeSession(key)).toBe(0);
      expect(await restore(clients[0]!, key)).toBe('not found');
      expect(await signIn(clients[0]!, 'Bob')).not.toBe(key);
    });

    it('are destroyed once, by the last node that closes them', async () => {
      const clients = await Promise.all([first, second, first].map((app) => app.connect()));
      const key = await signIn(clients[0]!, 'Ada');
      for (const client of clients.slice(1)) await restore(client, key);
      expect(await logOut(clients[0]!)).toBe('closed');
      expect(destroyed).toEqual([]);
      await Promise.all(clients.slice(1).map(logOut));
      expect(destroyed).toEqual([key]);
      expect(await restore(clients[1]!, key)).toBe('not found');
    });

    it('outlive the node that they were created on', async () => {
      const key = await signIn(await first.connect(), 'Ada');
      await first.close();
      const client = await second.connect();
      expect(await restore(client, key)).toBe('restored');
      expect(await serviceOf(second).countSessionConnections(key)).toBe(1);
      first = await start();
    });

    it('leave no key in Redis', async () => {
      const key = await signIn(await first.connect(), 'Ada');
      const client = new Redis(redis.url);
      try {
        const names = await client.keys('*');
        expect(names).toContain(`${prefix}:places:{${digestOf(key)}}`);
        const values = await Promise.all(names.map((name) => client.dump(name)));
        expect([...names, ...values].join()).not.toContain(key.slice(0, 16));
      } finally {
        client.disconnect();
      }
    });
  });

  describe('an emitter', () => {
    let emitter: WebwireEmitter;

    beforeEach(() => {
      const sessionManager = new Store({ url: redis.url, prefix: `${prefix}:sessions` });
      emitter = new WebwireEmitter({ url: redis.url, prefix, sessionManager });
      return async () => {
        await emitter.close();
        await sessionManager.onModuleDestroy();
      };
    });

    it('signals all, groups and sessions', async () => {
      const [here, there, other] = [await first.connect(), await second.connect(), await second.connect('/other')];
      await here.ask('join', 'room');
      await there.ask('join', 'room');
      const key = await signIn(there, 'Ada');
      expect(await emitter.broadcast('a', 'all')).toBe(2);
      const [connection] = serviceOf(first).connections;
      expect(await emitter.signalGroup('room', 'g', { n: 1 }, { except: connection!.id })).toBe(2);
      expect(await emitter.signalSession(key, 's', Buffer.from('00', 'hex'))).toBe(1);
      expect(await emitter.broadcast('o', 'x', { gateway: 'Other' })).toBe(2);
      expect(await through(first, there)).toEqual(['signal a utf8 all', 'signal g utf8 {"n":1}', 'signal s binary 00']);
      expect(await through(first, other)).toEqual(['signal a utf8 all', 'signal o utf8 x']);
      expect(await through(second, here)).toEqual(['signal a utf8 all']);
    });

    it('signals entries of a contract as validated JSON, as a node does', async () => {
      const there = await second.connect();
      const body = { text: 'hi', secret: 1 };
      expect(await emitter.broadcast(said, body)).toBe(2);
      serviceOf(first).broadcast(said, body);
      expect(await through(first, there)).toEqual(['signal said utf8 {"text":"hi"}', 'signal said utf8 {"text":"hi"}']);
      const refused = emitter.signalGroup('room', said, { text: 5 } as never);
      await expect(refused).rejects.toMatchObject({ code: 'CONTRACT_VIOLATION' });
    });

    it('closes sessions', async () => {
      const [here, there] = [await first.connect(), await second.connect()];
      const key = await signIn(here, 'Ada');
      await restore(there, key);
      expect(await emitter.closeSession(key)).toBe(2);
      for (const client of [here, there]) expect((await client.next()).type).toBe(MessageType.SessionClosed);
      expect(destroyed).toEqual([key]);
      expect(await emitter.closeSession(key)).toBe(0);
    });
  });

  it('an application without gateways signals the others', async () => {
    const there = await second.connect();
    const worker = await NestFactory.createApplicationContext(
      {
        module: class {},
        imports: [WebwireModule.forRoot({ sessions: false, cluster: new RedisCluster({ url: redis.url, prefix }) })],
      },
      { logger: false },
    );
    expect(worker.get(WebwireService).broadcast('done', 'job')).toBe(0);
    expect(show(await there.next())).toBe('signal done utf8 job');
    await worker.close();
  });
});

it('an adapter without the module rejects a cluster', () => {
  const cluster = new RedisCluster({ url: 'redis://127.0.0.1:1' });
  const locator = { get: () => undefined } as unknown as NestLocator;
  expect(() => new WebwireAdapter(locator, { cluster })).toThrow('cluster of the adapter is RedisCluster {');
});
