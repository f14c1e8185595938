import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  jsonCodec,
  MemorySessionManager,
  plainCodec,
  Session,
  SessionError,
  SessionKeyGenerator,
  SessionManager,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireService,
  type PayloadCodec,
  type SessionOptions,
  type SessionRecord,
} from 'nestjs-webwire';
import { MessageType } from 'nestjs-webwire/protocol';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { deferred, type Deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import { WireClient, describe as show } from '../support/wire-client.js';

/** A store whose calls can be delayed or made to fail. */
class TestManager extends SessionManager {
  readonly #store = new MemorySessionManager();
  readonly calls: string[] = [];
  failing: string | undefined;
  hold: Deferred | undefined;
  found: unknown;

  async onSessionCreated(connection: WebwireConnection) {
    await this.#called('created', connection.session!.key);
    this.#store.onSessionCreated(connection);
  }
  async onSessionLookup(key: string): Promise<SessionRecord | null> {
    await this.#called('lookup', key);
    return this.found === undefined ? this.#store.onSessionLookup(key) : (this.found as SessionRecord);
  }
  async onSessionClosed(key: string) {
    await this.#called('closed', key);
    this.#store.onSessionClosed(key);
  }

  async #called(what: string, key: string) {
    this.calls.push(what);
    await this.hold?.promise;
    if (this.failing === what) throw new Error(`store is down, ${key} is lost`);
  }
}

class TestKeys extends SessionKeyGenerator {
  next: unknown[] = [];
  #count = 0;
  generate(): string {
    const next = this.next.length > 0 ? this.next.shift() : `session-key-${++this.#count}`;
    if (next instanceof Error) throw next;
    return next as string;
  }
}

/** Bodies are JSON, while strings that handlers return are sent as they are. */
const codec: PayloadCodec = {
  decode: (payload) => jsonCodec.decode(payload),
  encode: (value) => plainCodec.encode(value),
};

@WebwireGateway({ codec })
class Gateway {
  readonly connections: WebwireConnection[] = [];
  readonly left = deferred<string | undefined>();
  closeOnDisconnect = false;

  constructor(readonly service: WebwireService) {}

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
  async handleDisconnect(connection: WebwireConnection) {
    if (this.closeOnDisconnect) await connection.closeSession();
    this.left.resolve(connection.session?.key);
  }
  @WebwireRequest('create') async create(
    @ConnectedSocket() connection: WebwireConnection,
    @MessageBody() info?: object,
  ) {
    try {
      await connection.createSession(info);
      return connection.session!.key;
    } catch (error) {
      return `failed ${(error as SessionError).code ?? (error as Error).message}`;
    }
  }
  @WebwireRequest('close') async close(connection: WebwireConnection) {
    await connection.closeSession();
    return 'closed';
  }
  @WebwireRequest('close all') async closeAll(@MessageBody() key: string) {
    await this.service.closeSession(key);
    return 'closed';
  }
  @WebwireRequest('whoami') whoami(connection: WebwireConnection) {
    return connection.session?.info ?? 'nobody';
  }
}

let app: TestApp;
let manager: TestManager;
let keys: TestKeys;
let gateway: Gateway;

async function start(options: SessionOptions = {}): Promise<WireClient> {
  manager = new TestManager();
  keys = new TestKeys();
  app = await TestApp.start({ providers: [Gateway] }, { sessions: { manager, keyGenerator: keys, ...options } });
  gateway = app.get(Gateway);
  return app.connect();
}

afterEach(async () => {
  manager.hold?.resolve();
  await app.close();
});

const ID = '0900000000000000';
const hex = (text: string) => Buffer.from(text).toString('hex');

/** Sends a restore request; returns the answer: its type, or the session. */
async function restore(client: WireClient, key: string): Promise<unknown> {
  client.sendBytes(`20${ID}${hex(key)}`);
  return sessionReply(client);
}

async function sessionReply(client: WireClient): Promise<unknown> {
  const message = await client.next();
  return message.type === MessageType.ReplyUtf8 ? JSON.parse(Buffer.from(message.payload).toString()) : message.type;
}

async function closeByClient(client: WireClient): Promise<void> {
  client.sendBytes(`1f${ID}`);
  expect((await client.nextBytes()).toString('hex')).toBe(`bf${ID}`);
}

/** Creates a session; returns its key. */
async function create(client: WireClient, info: object = { user: 'ada' }): Promise<string> {
  client.send('create', JSON.stringify(info));
  const created = await client.next();
  expect(created.type).toBe(MessageType.SessionCreated);
  return show(await client.next()).slice('utf8 '.length);
}

describe('creating a session', () => {
  it('notifies the client before the reply, then the manager', async () => {
    const client = await start();
    client.send('create', '{"user":"ada","roles":["x"]}');
    const created = await client.nextBytes();
    expect(created[0]).toBe(0x15);
    const session = JSON.parse(created.subarray(1).toString());
    expect(Object.keys(session)).toEqual(['k', 'c', 'l', 'i']);
    expect(session).toEqual({ k: 'session-key-1', c: session.l, l: session.c, i: { user: 'ada', roles: ['x'] } });
    expect(show(await client.next())).toBe('utf8 session-key-1');
    expect(manager.calls).toEqual(['created']);
    expect(gateway.service.sessionCount).toBe(1);
    expect(gateway.service.sessionConnections('session-key-1')).toEqual(gateway.connections);
  });

  it('gives the connection a snapshot that cannot be changed', async () => {
    const client = await start();
    await create(client, { user: { name: 'ada' } });
    const session = gateway.connections[0]!.session!;
    expect(() => Object.assign(session.info!.user!, { name: 'eve' })).toThrow(TypeError);
    session.createdAt.setTime(0);
    expect(session.createdAt.getTime()).toBeGreaterThan(0);
    expect(Object.isFrozen(session)).toBe(true);
  });

  it('leaves the info out if it is undefined', async () => {
    const client = await start();
    client.send('create', '');
    const session = JSON.parse((await client.nextBytes()).subarray(1).toString());
    expect(Object.keys(session)).toEqual(['k', 'c', 'l']);
  });

  it('fails on a connection that has one already', async () => {
    const client = await start();
    await create(client);
    expect(await client.ask('create', '{}')).toBe('utf8 failed SESSION_ACTIVE');
  });

  it('fails with info that JSON cannot hold, or that does not fit the client', async () => {
    const client = await start();
    expect(await client.ask('create', '[]')).toBe('utf8 failed INVALID_SESSION_INFO');
    expect(await client.ask('create', JSON.stringify({ x: 'x'.repeat(8_160) }))).toBe('utf8 failed BUFFER_OVERFLOW');
    expect(gateway.service.sessionCount).toBe(0);
    expect(gateway.connections[0]!.session).toBeNull();
    await expect(gateway.connections[0]!.createSession({ at: new Date() })).rejects.toThrow(
      'session info.at is an instance of a class, which JSON cannot hold',
    );
    expect(manager.calls).toEqual([]);
    await create(client);
  });

  it.each<[string, unknown]>([
    ['empty', ''],
    ['oversized', 'x'.repeat(256)],
    ['not ASCII', 'ключ'],
    ['not printable', 'a\nb'],
    ['no string', undefined],
  ])('fails with a generated key that is %s', async (_what, key) => {
    const client = await start();
    keys.next = [key];
    expect(await client.ask('create', '{}')).toBe('utf8 failed INVALID_SESSION_KEY');
    expect(gateway.service.sessionCount).toBe(0);
  });

  it('fails with a generated key that is active, and with a generator that throws', async () => {
    const [client, other] = [await start(), await app.connect()];
    keys.next = ['same', 'same', new Error('no entropy')];
    await create(client);
    expect(await other.ask('create', '{}')).toBe('utf8 failed INVALID_SESSION_KEY');
    expect(await other.ask('create', '{}')).toBe('utf8 failed no entropy');
    expect(gateway.service.sessionConnections('same')).toHaveLength(1);
  });

  it('fails on a connection that is closing, and stores nothing', async () => {
    await start();
    const [connection] = gateway.connections;
    const closed = connection!.close();
    await expect(connection!.createSession()).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    await closed;
    expect(manager.calls).toEqual([]);
    expect(gateway.service.sessionCount).toBe(0);
  });

  it('fails on a connection that is gone', async () => {
    const client = await start();
    await client.close();
    await gateway.left.promise;
    await expect(gateway.connections[0]!.createSession()).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' });
    expect(gateway.service.sessionCount).toBe(0);
  });

  it('that the manager cannot store stays active; the log does not show the key', async () => {
    const client = await start();
    manager.failing = 'created';
    const key = await create(client);
    expect(await client.ask('whoami')).toBe('utf8 {"user":"ada"}');
    const line = await app.logger.logged('error', 'onSessionCreated failed');
    expect(line).toContain('store is down, [session key] is lost');
    expect(app.logger.lines.map(({ text }) => text).join()).not.toContain(key);
    expect(await restore(await app.connect(), key)).toBe(MessageType.ReplySessionNotFound);
  });
});

describe('restoring a session', () => {
  it('answers with the session as it was before this lookup', async () => {
    const client = await start();
    const key = await create(client);
    const { createdAt } = gateway.connections[0]!.session!;
    const second = await app.connect();
    const first = { k: key, c: createdAt.toISOString(), l: createdAt.toISOString(), i: { user: 'ada' } };
    expect(await restore(second, key)).toEqual(first);
    const third = (await restore(await app.connect(), key)) as { l: string };
    expect(Date.parse(third.l)).toBeGreaterThanOrEqual(createdAt.getTime());
    expect(await second.ask('whoami')).toBe('utf8 {"user":"ada"}');
    expect(gateway.service.sessionConnections(key)).toHaveLength(3);
    expect(gateway.service.sessionCount).toBe(1);
  });

  it('does not find an unknown session, and keeps that of the connection', async () => {
    const client = await start();
    expect(await restore(client, 'unknown')).toBe(MessageType.ReplySessionNotFound);
    await create(client);
    expect(await restore(client, 'unknown')).toBe(MessageType.ReplySessionNotFound);
    expect(await client.ask('whoami')).toBe('utf8 {"user":"ada"}');
  });

  it('never exceeds the limit, even if many connections restore at once', async () => {
    const client = await start({ maxConnections: 3 });
    const key = await create(client);
    const others = await Promise.all(Array.from({ length: 8 }, () => app.connect()));
    const answers = await Promise.all(others.map((other) => restore(other, key)));
    expect(answers.filter((answer) => answer === MessageType.ReplyMaxSessionConnectionsReached)).toHaveLength(6);
    expect(gateway.service.sessionConnections(key)).toHaveLength(3);
    // A connection that is gone makes room for another.
    await client.close();
    await gateway.left.promise;
    const last = others[answers.indexOf(MessageType.ReplyMaxSessionConnectionsReached)]!;
    expect(await restore(last, key)).toMatchObject({ k: key });
  });

  it('of its own session does not count the connection twice', async () => {
    const client = await start({ maxConnections: 1 });
    const key = await create(client);
    expect(await restore(client, key)).toMatchObject({ k: key });
    expect(gateway.service.sessionConnections(key)).toHaveLength(1);
  });

  it('of another session releases the one it had, which stays restorable', async () => {
    const [client, other] = [await start({ maxConnections: 1 }), await app.connect()];
    const first = await create(client);
    const second = await create(other, { user: 'eve' });
    await other.close();
    expect(await gateway.left.promise).toBe(second);
    expect(await restore(client, second)).toMatchObject({ i: { user: 'eve' } });
    expect(gateway.service.sessionConnections(first)).toEqual([]);
    expect(await restore(await app.connect(), first)).toMatchObject({ i: { user: 'ada' } });
    expect(manager.calls).not.toContain('closed');
  });

  it.each<[string, Partial<TestManager>]>([
    ['fails', { failing: 'lookup' }],
    ['finds info that is none', { found: { createdAt: new Date(), lastLookupAt: new Date(), info: 'text' } }],
    ['finds times that are none', { found: { createdAt: 'yesterday', lastLookupAt: new Date() } }],
    [
      'finds more than fits',
      { found: { createdAt: new Date(), lastLookupAt: new Date(), info: { x: 'x'.repeat(9_000) } } },
    ],
  ])('is an internal error when the lookup %s', async (_what, behaviour) => {
    const client = await start({ maxConnections: 1 });
    const key = 'some-secret-key';
    Object.assign(manager, behaviour);
    expect(await restore(client, key)).toBe(MessageType.ReplyInternalError);
    expect(await app.logger.logged('error', 'onSessionLookup failed')).not.toContain(key);
    expect(gateway.service.sessionCount).toBe(0);
  });

  it('on a connection that goes away meanwhile leaves no trace', async () => {
    const [client, other] = [await start(), await app.connect()];
    const key = await create(client);
    manager.hold = deferred();
    other.sendBytes(`20${ID}${hex(key)}`);
    await client.ask('whoami');
    other.socket.terminate();
    await gateway.left.promise;
    manager.hold.resolve();
    expect(await restore(await app.connect(), key)).toMatchObject({ k: key });
    expect(gateway.service.sessionConnections(key)).toHaveLength(2);
  });

  it.each([
    ['too long', 'x'.repeat(256)],
    ['huge', 'x'.repeat(8_000)],
  ])('with a key that is %s does not reach the manager', async (_what, key) => {
    const client = await start();
    expect(await restore(client, key)).toBe(MessageType.ReplySessionNotFound);
    expect(manager.calls).toEqual([]);
  });

  it('with a hostile key touches no file', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'webwire-'));
    try {
      const client = await start({ manager: undefined, directory: join(parent, 'sessions') });
      for (const key of ['../../etc/passwd', '..', '.', '/etc/passwd', 'a/b', 'a\\b', 'con', '%00', 'x'.repeat(300)]) {
        expect(await restore(client, key)).toBe(MessageType.ReplySessionNotFound);
      }
      expect((await readdir(parent, { recursive: true })).filter((name) => name !== 'sessions')).toEqual([]);
      client.sendBytes(`20${ID}00ff`);
      expect(await client.closed).toMatchObject({ code: 1002 });
    } finally {
      await rm(parent, { recursive: true });
    }
  });
});

describe('closing a session', () => {
  it('by the client is confirmed, and other connections keep it', async () => {
    const [client, other] = [await start(), await app.connect()];
    await closeByClient(client);
    const key = await create(client);
    await restore(other, key);
    await closeByClient(client);
    expect(await client.ask('whoami')).toBe('utf8 nobody');
    expect(await other.ask('whoami')).toBe('utf8 {"user":"ada"}');
    expect(manager.calls).not.toContain('closed');
    await closeByClient(other);
    expect(manager.calls.at(-1)).toBe('closed');
    expect(await restore(client, key)).toBe(MessageType.ReplySessionNotFound);
  });

  it('by the server notifies the client before the reply, and no other client', async () => {
    const [client, other] = [await start(), await app.connect()];
    const key = await create(client);
    await restore(other, key);
    client.send('close');
    expect((await client.nextBytes()).toString('hex')).toBe('16');
    expect(show(await client.next())).toBe('utf8 closed');
    expect(await client.ask('close')).toBe('utf8 closed');
    expect(await other.ask('whoami')).toBe('utf8 {"user":"ada"}');
    expect(gateway.service.sessionConnections(key)).toHaveLength(1);
  });

  it('on all of its connections notifies each client, and destroys it once', async () => {
    const [client, other, bystander] = [await start(), await app.connect(), await app.connect()];
    const key = await create(client);
    await restore(other, key);
    expect(gateway.service.signalSession(key, 'soon', 'x')).toBe(2);
    expect(show(await client.next())).toBe('signal soon utf8 x');
    expect(show(await other.next())).toBe('signal soon utf8 x');
    client.send('close all', JSON.stringify(key));
    expect((await client.nextBytes()).toString('hex')).toBe('16');
    expect(show(await client.next())).toBe('utf8 closed');
    expect((await other.nextBytes()).toString('hex')).toBe('16');
    expect(manager.calls.filter((call) => call === 'closed')).toHaveLength(1);
    expect(gateway.service.sessionCount).toBe(0);
    expect(await restore(bystander, key)).toBe(MessageType.ReplySessionNotFound);
    expect(await gateway.service.closeSession(key)).toBe(0);
    expect(manager.calls.filter((call) => call === 'closed')).toHaveLength(1);
    const again = await create(client);
    expect(await gateway.service.closeSession(again)).toBe(1);
  });

  it('that the store cannot destroy is confirmed to the client, and fails for the server; keys stay out of the log', async () => {
    const client = await start();
    manager.failing = 'closed';
    const first = await create(client);
    await closeByClient(client);
    expect(await app.logger.logged('error', 'onSessionClosed failed')).toContain('[session key]');
    const second = await create(client);
    client.send('close');
    expect((await client.nextBytes()).toString('hex')).toBe('16');
    expect(show(await client.next())).toBe('internal error');
    expect(await app.logger.logged('error', 'Request "close" failed')).toContain('could not be destroyed');
    expect(await client.ask('whoami')).toBe('utf8 nobody');
    const log = app.logger.lines.map(({ text }) => text).join();
    expect(log).not.toContain(first);
    expect(log).not.toContain(second);
  });

  it('waits for a restore under way, which then keeps it', async () => {
    const [client, other] = [await start(), await app.connect()];
    const key = await create(client);
    manager.hold = deferred();
    other.sendBytes(`20${ID}${hex(key)}`);
    await client.ask('whoami');
    client.sendBytes(`1f${ID}`);
    manager.hold.resolve();
    expect(await sessionReply(other)).toMatchObject({ k: key });
    expect((await client.nextBytes()).toString('hex')).toBe(`bf${ID}`);
    expect(manager.calls).not.toContain('closed');
    expect(gateway.service.sessionConnections(key)).toHaveLength(1);
  });

  it('makes a restore wait, which then does not find it', async () => {
    const [client, other] = [await start(), await app.connect()];
    const key = await create(client);
    manager.hold = deferred();
    client.sendBytes(`1f${ID}`);
    await other.ask('whoami');
    other.sendBytes(`20${ID}${hex(key)}`);
    await other.ask('whoami');
    manager.hold.resolve();
    expect((await client.nextBytes()).toString('hex')).toBe(`bf${ID}`);
    expect(await sessionReply(other)).toBe(MessageType.ReplySessionNotFound);
  });
});

describe('a connection that is lost', () => {
  it('leaves its session restorable, and readable in handleDisconnect', async () => {
    const client = await start();
    const key = await create(client);
    client.socket.terminate();
    expect(await gateway.left.promise).toBe(key);
    expect(gateway.service.sessionCount).toBe(0);
    expect(manager.calls).toEqual(['created']);
    expect(await restore(await app.connect(), key)).toMatchObject({ k: key });
  });

  it('keeps it restorable, also if the application closes it too late', async () => {
    const client = await start();
    const key = await create(client);
    gateway.closeOnDisconnect = true;
    await client.close();
    expect(await gateway.left.promise).toBe(key);
    expect(manager.calls).not.toContain('closed');
    expect(await restore(await app.connect(), key)).toMatchObject({ k: key });
  });

  it('gets no answers to requests that wait', async () => {
    const [client, other] = [await start(), await app.connect()];
    const key = await create(client);
    manager.hold = deferred();
    // Fewer than the limit at which the server stops reading: then it would not notice the loss.
    for (let i = 0; i < 10; i++) other.sendBytes(`20${ID}${hex(key)}`);
    await client.ask('whoami');
    other.socket.terminate();
    const [, lost] = gateway.connections;
    while (lost!.isActive) await client.ask('whoami'); // until the server has noticed
    manager.hold.resolve();
    await app.app.close();
    expect(manager.calls.filter((call) => call === 'lookup').length).toBeLessThanOrEqual(2);
    expect(app.logger.at('warn')).toEqual([]);
  });
});

it('operations of one connection run in the order of their requests', async () => {
  const client = await start();
  const key = await create(client);
  manager.hold = deferred();
  client.sendBytes(`20${ID}${hex(key)}`);
  client.sendBytes(`1f${ID}`);
  client.sendBytes(`20${ID}${hex(key)}`);
  client.send('create', '{}');
  expect(await client.ask('whoami')).toBe('utf8 {"user":"ada"}');
  manager.hold.resolve();
  expect(await sessionReply(client)).toMatchObject({ k: key });
  expect((await client.nextBytes()).toString('hex')).toBe(`bf${ID}`);
  expect(await sessionReply(client)).toBe(MessageType.ReplySessionNotFound);
  expect((await client.next()).type).toBe(MessageType.SessionCreated);
  expect(show(await client.next())).toBe('utf8 session-key-2');
});

it('a session shows no key where it is printed', () => {
  const session = new Session('secret-key', { createdAt: new Date(0), lastLookupAt: new Date(0), info: { a: 1 } });
  expect(inspect({ session }, { depth: 9 })).toContain('[session key]');
  expect(inspect({ session }, { depth: 9 })).not.toContain('secret-key');
});

it('a manager is an instance of its base class', () => {
  expect(new TestManager()).toBeInstanceOf(SessionManager);
  expect(new SessionError('SESSION_ACTIVE', 'x')).toMatchObject({ code: 'SESSION_ACTIVE', name: 'SessionError' });
});
