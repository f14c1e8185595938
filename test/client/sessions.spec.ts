import { setImmediate } from 'node:timers/promises';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { StorageLike, WebwireClient } from 'nestjs-webwire/client';
import { deferred } from '../support/deferred.js';
import { connected, FakeServer, hexId, nextTurn, replyUtf8, type FakeSocket } from './fake-server.js';
import { outcome } from './outcome.js';

const SESSION = {
  k: 'sample-key',
  c: '2026-11-22T08:38:04.230879755Z',
  l: '2026-11-22T09:38:04.5+01:00',
  i: { user: 'secret', roles: ['a'] },
};
const RESTORE = `20${hexId(1)}${hex('sample-key')}`;

let server: FakeServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
});
afterEach(() => void vi.useRealTimers());

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}

/** Sends SessionCreated. */
function sessionCreated(session: object = SESSION): string {
  return `15${hex(JSON.stringify(session))}`;
}

/** Makes a storage with this key, which records its changes. */
function storageWith(key?: string): StorageLike & { items: Map<string, string> } {
  const items = new Map(key === undefined ? [] : [['webwire:localhost/', key]]);
  return {
    items,
    getItem: (name) => items.get(name) ?? null,
    setItem: (name, value) => void items.set(name, value),
    removeItem: (name) => void items.delete(name),
  };
}

/** Records the events of session and connection, in a short form. */
function record(client: WebwireClient): string[] {
  const told: string[] = [];
  client.on('connected', ({ isSessionRestored }) => told.push(`connected ${isSessionRestored}`));
  client.on('sessionCreated', ({ session }) => told.push(`created ${session.key}`));
  client.on('sessionClosed', ({ reason, session }) => told.push(`closed ${reason} ${session?.key}`));
  return told;
}

/** Makes a client with a stored session key, and returns the socket on which it sends the restore request. */
async function restoring(
  options: object = {},
): Promise<{ client: WebwireClient; connecting: Promise<unknown>; socket: FakeSocket; told: string[] }> {
  const client = server.client({ sessionStorage: storageWith('sample-key'), ...options });
  const told = record(client);
  const connecting = outcome(client.connect());
  const socket = await server.accept();
  expect(await socket.received.take()).toBe(RESTORE);
  return { client, connecting, socket, told };
}

describe('a session that the server creates', () => {
  it('is available as client.session', async () => {
    const { client, socket } = await connected(server);
    const told = record(client);
    expect(client.session).toBeNull();
    socket.say(sessionCreated());
    expect(told).toEqual(['created sample-key']);
    expect(client.session).toMatchObject({
      key: 'sample-key',
      createdAt: new Date('2026-11-22T08:38:04.230Z'),
      lastLookupAt: new Date('2026-11-22T08:38:04.500Z'),
      info: SESSION.i,
    });
  });

  it('never changes, and does not show its key', async () => {
    const { client, socket } = await connected(server);
    socket.say(sessionCreated());
    const session = client.session!;
    session.createdAt.setTime(0);
    expect(session.createdAt.getTime()).toBeGreaterThan(0);
    expect(() => Object.assign(session, { key: 'other' })).toThrow(TypeError);
    expect(() => (session.info!.roles as string[]).push('b')).toThrow(TypeError);
    expect(inspect(session) + JSON.stringify(session)).not.toContain('sample-key');
  });

  it.each([
    ['no info', { ...SESSION, i: undefined }],
    ['null for info', { ...SESSION, i: null }],
    ['been created in 1970', { ...SESSION, c: '1970-01-01T00:00:00Z', l: '1970-01-01T00:00:00Z', i: null }],
  ])('may have %s', async (_what, session) => {
    const { client, socket } = await connected(server);
    socket.say(sessionCreated(session));
    expect(client.session).toMatchObject({ key: 'sample-key', info: undefined });
  });

  it('ends when the server closes it', async () => {
    const sessionStorage = storageWith();
    const { client, socket } = await connected(server, { sessionStorage });
    const told = record(client);
    socket.say(sessionCreated());
    socket.say('16');
    await nextTurn();
    expect(told).toEqual(['created sample-key', 'closed server sample-key']);
    expect([client.session, sessionStorage.items.size]).toEqual([null, 0]);
  });
});

describe('a session is restored', () => {
  it('before connect() resolves, and before anything else is sent', async () => {
    const { client, connecting, socket, told } = await restoring();
    const reply = client.request('whoami');
    await vi.advanceTimersByTimeAsync(0);
    expect([client.status, socket.received.rest.length]).toEqual(['connecting', 0]);

    socket.say(replyUtf8(1, JSON.stringify(SESSION)));
    await connecting;
    expect(client.session?.info).toEqual(SESSION.i);
    expect(await socket.received.take()).toBe(`7f${hexId(2)}06${hex('whoami')}`);
    socket.say(replyUtf8(2, 'secret'));
    await reply;
    expect(told).toEqual(['connected true']);
  });

  it('after the connection was lost', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 1 } });
    socket.say(sessionCreated());
    socket.end();
    expect(client.session?.key).toBe('sample-key');
    await vi.advanceTimersByTimeAsync(1);
    const next = await server.accept();
    expect(await next.received.take()).toBe(RESTORE);
    const told = record(client);
    next.say(replyUtf8(1, JSON.stringify(SESSION)));
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual(['connected true']);
  });

  it.each(['03', '05'])('and forgotten if it is gone: %s', async (type) => {
    const sessionStorage = storageWith('sample-key');
    const { client, connecting, socket, told } = await restoring({ sessionStorage });
    socket.say(`${type}${hexId(1)}`);
    expect(await connecting).toBeUndefined();
    expect(told).toEqual(['closed not-found undefined', 'connected false']);
    expect([client.session, client.status, sessionStorage.items.size]).toEqual([null, 'connected', 0]);
  });

  it.each([
    ['04', 'max-connections'],
    ['02', 'restore-failed'],
  ])('next time if the server refuses for now: %s', async (type, reason) => {
    const sessionStorage = storageWith('sample-key');
    const { client, connecting, socket, told } = await restoring({ sessionStorage, reconnect: { minDelay: 1 } });
    socket.say(`${type}${hexId(1)}`);
    expect(await connecting).toBeUndefined();
    expect(told).toEqual([`closed ${reason} undefined`, 'connected false']);
    expect([client.session, sessionStorage.items.size]).toEqual([null, 1]);

    socket.end();
    await vi.advanceTimersByTimeAsync(1);
    const next = await server.accept();
    expect(await next.received.take()).toBe(`20${hexId(2)}${hex('sample-key')}`);
  });

  it.each([
    ['the server shuts down', (socket: FakeSocket) => socket.say(`01${hexId(1)}`), 'SERVER_SHUTDOWN: server shutdown'],
    [
      'the connection is lost',
      (socket: FakeSocket) => socket.end(),
      'DISCONNECTED: lost the connection to ws://localhost/ after 0 ms, close code 1006',
    ],
    [
      'the server does not answer',
      () => vi.advanceTimersByTimeAsync(5_000),
      'TIMEOUT: timeout after 5000 ms: no reply came',
    ],
    [
      'the answer is no session',
      (socket: FakeSocket) => socket.say(replyUtf8(1, '{}')),
      'INVALID_FIELD: INVALID_FIELD at byte 1',
    ],
  ])('or the attempt to connect fails: %s', async (_how, fail, error) => {
    const sessionStorage = storageWith('sample-key');
    const { client, connecting, socket, told } = await restoring({ sessionStorage });
    await Promise.resolve(fail(socket));
    expect(await connecting).toBe(error);
    expect([client.status, told, sessionStorage.items.size]).toEqual(['disconnected', [], 1]);
  });

  it('not if its key is too large for the server, and the connection stays open', async () => {
    const unhandled = vi.fn<(reason: unknown) => void>();
    process.on('unhandledRejection', unhandled);
    onTestFinished(() => void process.off('unhandledRejection', unhandled));
    const client = server.client({ sessionStorage: storageWith('k'.repeat(64)) });
    const told = record(client);
    const connecting = client.connect();
    const socket = await server.accept('17020060ea000020000000');
    await connecting;
    expect(told).toEqual(['closed restore-failed undefined', 'connected false']);
    await vi.advanceTimersByTimeAsync(5_000);
    vi.useRealTimers();
    await setImmediate(); // unhandled rejections are reported now
    expect([unhandled.mock.calls, socket.received.rest]).toEqual([[], []]);
  });

  it('and may be over at once: a later message is seen later, even if it arrives together', async () => {
    const { client, connecting, socket, told } = await restoring();
    socket.say(replyUtf8(1, JSON.stringify(SESSION)));
    socket.say('16');
    expect(await connecting).toBeUndefined();
    expect(client.session?.key).toBe('sample-key');
    await nextTurn();
    expect([client.session, told]).toEqual([null, ['connected true', 'closed server sample-key']]);
  });

  it('by its key, at any time', async () => {
    const sessionStorage = storageWith();
    const { client, socket } = await connected(server, { sessionStorage });
    const restored = client.restoreSession('sample-key');
    expect(await socket.received.take()).toBe(RESTORE);
    socket.say(replyUtf8(1, JSON.stringify(SESSION)));
    expect(await restored).toBe(client.session);
    expect([...sessionStorage.items.values()]).toEqual(['sample-key']);

    const failing = outcome(client.restoreSession('unknown'));
    socket.say(`03${hexId(2)}`);
    expect(await failing).toBe('SESSION_NOT_FOUND: session not found');
    expect(await outcome(client.restoreSession(''))).toBe('EMPTY_FIELD: EMPTY_FIELD at byte 9');
  });
});

describe('a session that the server refuses for now', () => {
  /** Connects a client that stays connected without the session. */
  async function refused(type = '04', options: object = {}) {
    const backoff = { minDelay: 100, jitter: 0 };
    const { client, connecting, socket, told } = await restoring({ reconnect: backoff, ...options });
    client.on('sessionRestored', ({ session }) => told.push(`restored ${session.key}`));
    socket.say(`${type}${hexId(1)}`);
    await connecting;
    await nextTurn();
    told.splice(0);
    return { client, socket, told };
  }

  it.each(['04', '02'])('is requested again after growing delays, until it is restored: %s', async (type) => {
    const { client, socket, told } = await refused(type);
    for (const [index, delay] of [100, 200, 400].entries()) {
      await vi.advanceTimersByTimeAsync(delay - 1);
      expect(socket.received.rest).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      expect(await socket.received.take()).toBe(`20${hexId(index + 2)}${hex('sample-key')}`);
      expect(client.pendingRequests).toBe(0);
      socket.say(index < 2 ? `${type}${hexId(index + 2)}` : replyUtf8(index + 2, JSON.stringify(SESSION)));
      await vi.advanceTimersByTimeAsync(0);
      await nextTurn();
    }
    expect(told).toEqual(['restored sample-key']);
    expect(client.session?.key).toBe('sample-key');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(socket.received.rest).toEqual([]);
  });

  it('is forgotten when it turns out to be gone', async () => {
    const sessionStorage = storageWith('sample-key');
    const { socket, told } = await refused('04', { sessionStorage });
    await vi.advanceTimersByTimeAsync(100);
    socket.say(`03${hexId(2)}`);
    await vi.advanceTimersByTimeAsync(0);
    expect([told, sessionStorage.items.size]).toEqual([['closed not-found undefined'], 0]);
    expect(vi.getTimerCount()).toBe(1); // for heartbeats
  });

  it.each([
    [
      'the server creates another one',
      async (_client: WebwireClient, socket: FakeSocket) => socket.say(sessionCreated()),
    ],
    ['the connection is lost', async (_client: WebwireClient, socket: FakeSocket) => socket.end()],
    ['the client is closed', async (client: WebwireClient) => client.close()],
  ])('is no longer requested when %s', async (_what, act) => {
    const { client, socket } = await refused('04');
    await act(client, socket);
    await vi.advanceTimersByTimeAsync(99);
    const asked = socket.received.rest.filter((hexText) => hexText.startsWith('20'));
    expect(asked).toEqual([]);
  });

  it('waits while requests are in flight, which may be a sign-in', async () => {
    const { client, socket } = await refused();
    const reply = client.request('sign-in');
    await socket.received.take();
    await vi.advanceTimersByTimeAsync(4_000);
    expect(socket.received.rest).toEqual([]);
    socket.say(sessionCreated({ ...SESSION, k: 'next-key' }));
    socket.say(replyUtf8(2));
    await reply;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(client.session?.key).toBe('next-key');
    expect(socket.received.rest.filter((hexText) => hexText.startsWith('20'))).toEqual([]);
  });

  it('does not replace a session that the server created meanwhile', async () => {
    const { client, socket, told } = await refused();
    await vi.advanceTimersByTimeAsync(100);
    await socket.received.take();
    socket.say(sessionCreated({ ...SESSION, k: 'next-key' }));
    socket.say(replyUtf8(2, JSON.stringify(SESSION)));
    expect(await socket.received.take()).toBe(`20${hexId(3)}${hex('next-key')}`);
    socket.say(replyUtf8(3, JSON.stringify({ ...SESSION, k: 'next-key' })));
    await nextTurn();
    expect([client.session?.key, told]).toEqual(['next-key', ['created next-key']]);
  });
});

describe('closeSession()', () => {
  it('closes the session, and forgets it', async () => {
    const sessionStorage = storageWith();
    const { client, socket } = await connected(server, { sessionStorage });
    socket.say(sessionCreated());
    const told = record(client);
    const closed = client.closeSession();
    expect(await socket.received.take()).toBe(`1f${hexId(1)}`);
    expect(client.session).not.toBeNull();
    socket.say(`bf${hexId(1)}`);
    await closed;
    expect([client.session, sessionStorage.items.size, told]).toEqual([null, 0, ['closed client sample-key']]);
  });

  it('leaves the session that the server created next', async () => {
    const sessionStorage = storageWith();
    const { client, socket } = await connected(server, { sessionStorage });
    socket.say(sessionCreated());
    const told = record(client);
    const replies = [client.closeSession(), client.request('sign-in')];
    socket.say(`bf${hexId(1)}`);
    socket.say(sessionCreated({ ...SESSION, k: 'next-key' }));
    socket.say(replyUtf8(2));
    await Promise.all(replies);
    expect(told).toEqual(['closed client sample-key', 'created next-key']);
    expect([client.session?.key, ...sessionStorage.items.values()]).toEqual(['next-key', 'next-key']);
  });

  it('reports a session that the server closes at the same time once', async () => {
    const { client, socket } = await connected(server);
    socket.say(sessionCreated());
    const told = record(client);
    const closed = client.closeSession();
    socket.say('16');
    socket.say(`bf${hexId(1)}`);
    await closed;
    expect(told).toEqual(['closed server sample-key']);
  });

  it('does nothing without a session', async () => {
    const { client, socket } = await connected(server);
    await client.closeSession();
    expect(socket.received.rest).toEqual([]);
  });

  it('does nothing to a session that another process stored since', async () => {
    const sessionStorage = storageWith();
    const { client, socket } = await connected(server, { sessionStorage });
    sessionStorage.setItem('webwire:localhost/', 'key-of-another');
    await client.closeSession();
    expect([sessionStorage.getItem('webwire:localhost/'), socket.received.rest]).toEqual(['key-of-another', []]);
  });

  it('leaves the session if the server does not close it', async () => {
    const { client, socket } = await connected(server);
    socket.say(sessionCreated());
    const failing = outcome(client.closeSession());
    socket.say(`02${hexId(1)}`);
    expect(await failing).toBe('INTERNAL_SERVER_ERROR: internal server error');
    expect(client.session?.key).toBe('sample-key');
  });
});

describe('closeSession() without a connection', () => {
  const CLOSED = `bf${hexId(2)}`;
  const SESSION_REPLY = replyUtf8(1, JSON.stringify(SESSION));

  it('forgets the session at once, and closes it on the server at the next connection, before anything else', async () => {
    const sessionStorage = storageWith();
    const { client, socket } = await connected(server, { sessionStorage, reconnect: { minDelay: 10 } });
    socket.say(sessionCreated());
    socket.end();
    const told = record(client);
    await client.closeSession();
    expect([client.session, sessionStorage.items.size, told]).toEqual([null, 0, ['closed client sample-key']]);
    const waiting = client.request('a');
    await vi.advanceTimersByTimeAsync(10);
    const next = await server.accept();
    expect(await next.received.take()).toBe(RESTORE);
    next.say(SESSION_REPLY);
    expect(await next.received.take()).toBe(`1f${hexId(2)}`);
    next.say(CLOSED);
    await next.received.take();
    next.say(replyUtf8(3));
    await waiting;
    expect([client.session, told]).toEqual([null, ['closed client sample-key', 'connected false']]);
    // Nothing is left to do at a later connection.
    next.end();
    await vi.advanceTimersByTimeAsync(250);
    expect((await server.accept()).received.rest).toEqual([]);
  });

  it('forgets a session of an earlier page, and does not connect for it', async () => {
    const sessionStorage = storageWith('sample-key');
    const client = server.client({ sessionStorage });
    const told = record(client);
    await client.closeSession();
    expect([server.dials, sessionStorage.items.size, told]).toEqual([0, 0, ['closed client undefined']]);
    const connecting = client.connect();
    const socket = await server.accept();
    expect(await socket.received.take()).toBe(RESTORE);
    socket.say(SESSION_REPLY);
    expect(await socket.received.take()).toBe(`1f${hexId(2)}`);
    socket.say(CLOSED);
    await connecting;
    expect(client.session).toBeNull();
  });

  it('also works with `reconnect: false`, and after disconnect()', async () => {
    for (const end of ['loss', 'disconnect']) {
      const own = new FakeServer();
      const { client, socket } = await connected(own, { reconnect: false, sessionStorage: false });
      socket.say(sessionCreated());
      if (end === 'loss') socket.end();
      else await client.disconnect();
      await nextTurn();
      await client.closeSession();
      expect(client.session).toBeNull();
      const connecting = client.connect();
      const next = await own.accept();
      expect(await next.received.take()).toBe(RESTORE);
      next.say(SESSION_REPLY);
      await next.received.take();
      next.say(CLOSED);
      await connecting;
    }
  });

  it('does nothing without a session', async () => {
    const client = server.client();
    await client.closeSession();
    const connecting = client.connect();
    const socket = await server.accept();
    await connecting;
    expect(socket.received.rest).toEqual([]);
  });

  it('does nothing further if the server has no such session', async () => {
    const client = server.client({ sessionStorage: storageWith('sample-key') });
    await client.closeSession();
    const connecting = client.connect();
    const socket = await server.accept();
    await socket.received.take();
    socket.say(`03${hexId(1)}`);
    await connecting;
    socket.end();
    await vi.advanceTimersByTimeAsync(250);
    expect((await server.accept()).received.rest).toEqual([]);
  });

  it.each([
    ['02', 'the server fails'],
    ['04', 'the session has its maximum number of connections'],
  ])('is tried again at a later connection if the server replies %s: %s', async (type) => {
    const client = server.client({ sessionStorage: storageWith('sample-key') });
    await client.closeSession();
    const connecting = client.connect();
    const socket = await server.accept();
    await socket.received.take();
    socket.say(`${type}${hexId(1)}`);
    await connecting;
    socket.end();
    await vi.advanceTimersByTimeAsync(250);
    expect(await (await server.accept()).received.take()).toBe(`20${hexId(2)}${hex('sample-key')}`);
  });

  it('closes the session that is just being restored', async () => {
    const { client, connecting, socket, told } = await restoring();
    await client.closeSession();
    expect(told).toEqual(['closed client undefined']);
    socket.say(SESSION_REPLY);
    expect(await socket.received.take()).toBe(`20${hexId(2)}${hex('sample-key')}`);
    socket.say(replyUtf8(2, JSON.stringify(SESSION)));
    expect(await socket.received.take()).toBe(`1f${hexId(3)}`);
    socket.say(`bf${hexId(3)}`);
    await connecting;
    expect([client.session, told]).toEqual([null, ['closed client undefined', 'connected false']]);
  });

  it('closes the session of the connection while onConnect runs, before messages that wait are sent', async () => {
    const gate = deferred();
    const { client, connecting, socket, told } = await restoring({ onConnect: () => gate.promise });
    socket.say(SESSION_REPLY);
    await nextTurn();
    expect(client.session?.key).toBe('sample-key');
    await client.closeSession();
    expect(client.session).toBeNull();
    const request = client.request('a');
    gate.resolve();
    expect(await socket.received.take()).toBe(`20${hexId(2)}${hex('sample-key')}`);
    socket.say(replyUtf8(2, JSON.stringify(SESSION)));
    expect(await socket.received.take()).toBe(`1f${hexId(3)}`);
    expect(client.status).toBe('connecting');
    socket.say(`bf${hexId(3)}`);
    await connecting;
    expect([client.session, told]).toEqual([null, ['closed client sample-key', 'connected false']]);
    await socket.received.take();
    socket.say(replyUtf8(4));
    await request;
    expect(socket.received.rest).toEqual([]);
  });

  it('restores the session that another page created meanwhile', async () => {
    const sessionStorage = storageWith('sample-key');
    const client = server.client({ sessionStorage });
    await client.closeSession();
    sessionStorage.setItem('webwire:localhost/', 'next-key');
    const connecting = client.connect();
    const socket = await server.accept();
    expect(await socket.received.take()).toBe(RESTORE);
    socket.say(SESSION_REPLY);
    await socket.received.take();
    socket.say(CLOSED);
    expect(await socket.received.take()).toBe(`20${hexId(3)}${hex('next-key')}`);
    socket.say(replyUtf8(3, JSON.stringify({ ...SESSION, k: 'next-key' })));
    await connecting;
    expect([client.session?.key, ...sessionStorage.items.values()]).toEqual(['next-key', 'next-key']);
  });

  it('connects if only a function has the URL, as the key is stored under the URL', async () => {
    const sessionStorage = storageWith('sample-key');
    const client = server.client({ sessionStorage }, () => 'ws://localhost');
    const closed = client.closeSession();
    const socket = await server.accept();
    await socket.received.take();
    socket.say(SESSION_REPLY);
    expect(await socket.received.take()).toBe(`1f${hexId(2)}`);
    socket.say(CLOSED);
    await closed;
    expect([client.session, sessionStorage.items.size]).toEqual([null, 0]);
  });

  it('rejects after close(), and leaves the session', async () => {
    const sessionStorage = storageWith('sample-key');
    const client = server.client({ sessionStorage });
    await client.close();
    expect(await outcome(client.closeSession())).toBe('DISCONNECTED: the client is closed');
    expect(sessionStorage.items.size).toBe(1);
  });
});

describe('the key of a session', () => {
  it('is kept in the storage, under the name of the server', async () => {
    const sessionStorage = storageWith();
    const client = server.client({ sessionStorage }, 'wss://example.com:444/chat?token=secret');
    const connecting = client.connect();
    (await server.accept()).say(sessionCreated());
    await connecting;
    expect([...sessionStorage.items]).toEqual([['webwire:example.com:444/chat', 'sample-key']]);
  });

  it('stays there when the client is closed', async () => {
    const sessionStorage = storageWith();
    const { client, socket } = await connected(server, { sessionStorage });
    socket.say(sessionCreated());
    await client.close();
    expect([...sessionStorage.items.values()]).toEqual(['sample-key']);
  });

  it('of another page is not removed with ours', async () => {
    const sessionStorage = storageWith();
    const { socket } = await connected(server, { sessionStorage });
    socket.say(sessionCreated());
    sessionStorage.setItem('webwire:localhost/', 'newer-key');
    socket.say('16');
    expect([...sessionStorage.items.values()]).toEqual(['newer-key']);
  });

  it.each(['', '\u0000', 'schlüssel'])('is not taken from the storage if it is none: %o', async (key) => {
    const client = server.client({ sessionStorage: storageWith(key) });
    const connecting = client.connect();
    const socket = await server.accept();
    await connecting;
    expect(socket.received.rest).toEqual([]);
  });

  it('does without a storage that fails', async () => {
    const fail = () => {
      throw new Error('quota exceeded');
    };
    const sessionStorage = { getItem: fail, setItem: fail, removeItem: fail };
    const { client, socket } = await connected(server, { sessionStorage, reconnect: { minDelay: 1 } });
    socket.say(sessionCreated());
    socket.end();
    await vi.advanceTimersByTimeAsync(1);
    const next = await server.accept();
    expect(await next.received.take()).toBe(RESTORE);
    next.say(`03${hexId(1)}`);
    await vi.advanceTimersByTimeAsync(0);
    expect([client.session, client.status]).toEqual([null, 'connected']);
  });

  describe.each([
    [
      'throws',
      () => {
        throw new Error('disk is locked');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('disk is locked');
      },
    ],
    ['never answers', () => new Promise(() => undefined)],
    ['returns something else', () => 5],
    [
      'returns a promise that throws',
      () => ({
        // oxlint-disable-next-line unicorn/no-thenable -- what a faulty storage returns
        then() {
          throw new Error('disk is locked');
        },
      }),
    ],
    [
      'returns what cannot be read',
      () => ({
        // oxlint-disable-next-line unicorn/no-thenable -- what a faulty storage returns
        get then() {
          throw new Error('disk is locked');
        },
      }),
    ],
  ] as [string, () => never][])('in a storage that %s', (_how, fail) => {
    it.each(['getItem', 'setItem', 'removeItem'])('in %s lasts as long as the client', async (method) => {
      const unhandled = vi.fn<(reason: unknown) => void>();
      process.on('unhandledRejection', unhandled);
      onTestFinished(() => void process.off('unhandledRejection', unhandled));
      const sessionStorage = { ...storageWith(), [method]: fail };
      const client = server.client({ sessionStorage, reconnect: { minDelay: 1 } });
      const connecting = client.connect();
      const socket = await server.accept();
      await vi.advanceTimersByTimeAsync(5_000);
      await connecting;
      socket.say(sessionCreated());
      socket.end();
      await vi.advanceTimersByTimeAsync(1);
      const next = await server.accept();
      expect(await next.received.take()).toBe(RESTORE);
      next.say(`03${hexId(1)}`);
      await vi.waitFor(() => expect([client.session, client.status]).toEqual([null, 'connected']));
      vi.useRealTimers();
      await setImmediate(); // unhandled rejections are reported now
      expect(unhandled).not.toHaveBeenCalled();
    });
  });

  it('may be in a storage that answers later, in which changes keep their order', async () => {
    const items = new Map([['webwire:localhost/', 'sample-key']]);
    const changes: string[] = [];
    const later = async <Result>(act: () => Result) => {
      await nextTurn();
      return act();
    };
    const sessionStorage = {
      getItem: (name: string) => later(() => items.get(name) ?? null),
      setItem: (name: string, value: string) => later(() => (changes.push(`set ${value}`), items.set(name, value))),
      removeItem: (name: string) => later(() => (changes.push('removed'), items.delete(name))),
    };
    const { connecting, socket } = await restoring({ sessionStorage });
    socket.say(replyUtf8(1, JSON.stringify(SESSION)));
    await connecting;
    await nextTurn();
    for (const message of ['16', sessionCreated({ ...SESSION, k: 'next-key' }), '16']) socket.say(message);
    await vi.waitFor(() => expect(changes).toEqual(['removed', 'set next-key', 'removed']));
    expect(items.size).toBe(0);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('disk is locked');
      },
    ],
    ['rejects', async () => Promise.reject(new Error('disk is locked'))],
    ['does nothing', () => undefined],
    ['never answers', () => new Promise(() => undefined)],
  ])('that was closed is not restored, even if removing it from the storage %s', async (_how, removeItem) => {
    const sessionStorage = { ...storageWith(), removeItem };
    const { client, socket } = await connected(server, { sessionStorage, reconnect: { minDelay: 1, jitter: 0 } });
    socket.say(sessionCreated());
    await nextTurn();
    socket.say('16');
    await nextTurn();
    expect(sessionStorage.getItem('webwire:localhost/')).toBe('sample-key');
    socket.end();
    await vi.advanceTimersByTimeAsync(1);
    const next = await server.accept();
    await vi.advanceTimersByTimeAsync(5_000);
    expect([client.status, next.received.rest]).toEqual(['connected', []]);
  });

  it('that was closed is not restored while the storage is still removing it', async () => {
    const items = new Map<string, string>();
    let remove = () => {};
    const sessionStorage = {
      getItem: async (name: string) => items.get(name) ?? null,
      setItem: async (name: string, value: string) => void items.set(name, value),
      removeItem: (name: string) =>
        new Promise<void>((resolve) => {
          remove = () => {
            items.delete(name);
            resolve();
          };
        }),
    };
    const { client, socket } = await connected(server, { sessionStorage, reconnect: { minDelay: 1, jitter: 0 } });
    socket.say(sessionCreated());
    await nextTurn();
    socket.say('16');
    await nextTurn();
    socket.end();
    await vi.advanceTimersByTimeAsync(1);
    const next = await server.accept();
    await nextTurn();
    remove();
    await vi.waitFor(() => expect(client.status).toBe('connected'));
    expect([items.size, next.received.rest]).toEqual([0, []]);
  });

  describe('in a web page', () => {
    function stubPage(localStorage: () => unknown): void {
      vi.stubGlobal('document', {});
      Object.defineProperty(globalThis, 'localStorage', { get: localStorage, configurable: true });
      onTestFinished(() => {
        vi.unstubAllGlobals();
        delete (globalThis as { localStorage?: unknown }).localStorage;
      });
    }

    it('is kept in localStorage', async () => {
      const storage = storageWith();
      stubPage(() => storage);
      const { socket } = await connected(server);
      socket.say(sessionCreated());
      expect([...storage.items.values()]).toEqual(['sample-key']);
    });

    it('is not if that was switched off', async () => {
      const storage = storageWith();
      stubPage(() => storage);
      const { socket } = await connected(server, { sessionStorage: false });
      socket.say(sessionCreated());
      expect(storage.items.size).toBe(0);
    });

    it('is not where the user forbids it', async () => {
      stubPage(() => {
        throw new DOMException('no', 'SecurityError');
      });
      const { client, socket } = await connected(server);
      socket.say(sessionCreated());
      expect(client.session?.key).toBe('sample-key');
    });
  });

  it('does not touch localStorage elsewhere', async () => {
    const touched = vi.fn<(...args: unknown[]) => void>();
    Object.defineProperty(globalThis, 'localStorage', { get: touched, configurable: true });
    onTestFinished(() => void delete (globalThis as { localStorage?: unknown }).localStorage);
    const { socket } = await connected(server);
    socket.say(sessionCreated());
    expect(touched).not.toHaveBeenCalled();
  });
});
