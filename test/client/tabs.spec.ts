import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { StorageLike, WebwireClient } from 'nestjs-webwire/client';
import { FakeServer, hexId, nextTurn, replyUtf8, type FakeSocket } from './fake-server.js';

const NAME = 'webwire:localhost/';

/** A `localStorage` that dispatches an event for each change. */
class SharedStorage implements StorageLike {
  readonly items = new Map<string, string>();
  getItem = (name: string) => this.items.get(name) ?? null;
  setItem = (name: string, value: string) => void this.items.set(name, value);
  removeItem = (name: string) => void this.items.delete(name);
}

let storage: SharedStorage;
let page: EventTarget;

beforeEach(() => {
  vi.useFakeTimers();
  storage = new SharedStorage();
  page = new EventTarget();
  vi.stubGlobal('document', {});
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Changes the storage as another page does. */
function change(key: string | null, name: string | null = NAME): void {
  if (key === null) storage.items.delete(NAME);
  else storage.items.set(NAME, key);
  page.dispatchEvent(Object.assign(new Event('storage'), { key: name, newValue: key }));
}

function session(key: string): string {
  const time = '2026-11-22T08:38:04Z';
  return JSON.stringify({ k: key, c: time, l: time });
}

function restoreOf(id: number, key: string): string {
  return `20${hexId(id)}${Buffer.from(key).toString('hex')}`;
}

const CLOSE = (id: number) => `1f${hexId(id)}`;

/** The message of a server that has created a session. */
function created(key: string): string {
  return `15${Buffer.from(session(key)).toString('hex')}`;
}

/** The session requests that the client has sent since the last message that the test took. */
function sessionRequests({ received }: FakeSocket): string[] {
  return received.rest.filter((message) => message.startsWith('20') || message.startsWith('1f'));
}

/** Sends the first request of a client, such as a sign-in. */
async function request(
  client: WebwireClient,
  socket: FakeSocket,
): Promise<{ readonly id: number; readonly reply: Promise<unknown> }> {
  const reply = client.request('sign-in');
  reply.catch(() => undefined);
  expect(await socket.received.take()).toContain(hexId(1));
  return { id: 1, reply };
}

function record(client: WebwireClient): string[] {
  const told: string[] = [];
  client.on('sessionClosed', ({ reason, session: closed }) => told.push(`closed ${reason} ${closed?.key}`));
  client.on('sessionRestored', ({ session: restored }) => told.push(`restored ${restored.key}`));
  client.on('connected', ({ isSessionRestored }) => told.push(`connected ${isSessionRestored}`));
  return told;
}

interface Page {
  readonly server: FakeServer;
  readonly client: WebwireClient;
  readonly socket: FakeSocket;
  readonly told: string[];
}

/** Makes a client of this page without a session, and its connection. */
async function emptyPage(options: object = {}): Promise<Page> {
  const server = new FakeServer();
  const client = server.client({ sessionStorage: storage, reconnect: { minDelay: 1, jitter: 0 }, ...options });
  const connecting = client.connect();
  const socket = await server.accept();
  await connecting;
  return { server, client, socket, told: record(client) };
}

/** Makes a client of this page with the session `ann`, and its connection. */
async function annsPage(options: object = {}): Promise<Page> {
  const opened = await emptyPage(options);
  opened.socket.say(created('ann'));
  await nextTurn();
  return opened;
}

describe('a page that connects again', () => {
  it.each(['bob', undefined])('leaves the storage as another page left it: %s', async (key) => {
    const { server, client, socket, told } = await annsPage({ syncTabs: false });
    if (key) storage.items.set(NAME, key);
    else storage.items.clear();
    socket.end();
    await vi.advanceTimersByTimeAsync(1);
    const next = await server.accept();
    expect(await next.received.take()).toBe(restoreOf(1, 'ann'));
    next.say(replyUtf8(1, session('ann')));
    await vi.waitFor(() => expect(told).toEqual(['connected true']));
    expect([client.session?.key, storage.items.get(NAME)]).toEqual(['ann', key]);
  });

  it('does not remove the key of another page when its own session is gone', async () => {
    const { server, socket, told } = await annsPage({ syncTabs: false });
    storage.items.set(NAME, 'bob');
    socket.end();
    await vi.advanceTimersByTimeAsync(1);
    (await server.accept()).say(`03${hexId(1)}`);
    await vi.waitFor(() => expect(told).toEqual(['closed not-found ann', 'connected false']));
    expect(storage.items.get(NAME)).toBe('bob');
  });
});

describe('another page signs in', () => {
  it('and this one takes the session over', async () => {
    const { client, socket, told } = await annsPage();
    change('bob');
    expect(told).toEqual(['closed other-tab ann']);
    expect(await socket.received.take()).toBe(restoreOf(1, 'bob'));
    socket.say(replyUtf8(1, session('bob')));
    await vi.waitFor(() => expect(told).toEqual(['closed other-tab ann', 'restored bob']));
    expect([client.session?.key, storage.items.get(NAME)]).toEqual(['bob', 'bob']);
  });

  it('and a page without a session takes it over, too', async () => {
    const { client, socket, told } = await annsPage();
    socket.say('16');
    await nextTurn();
    change('bob');
    expect(await socket.received.take()).toBe(restoreOf(1, 'bob'));
    socket.say(replyUtf8(1, session('bob')));
    await vi.waitFor(() => expect(told.at(-1)).toBe('restored bob'));
    expect(client.session?.key).toBe('bob');
  });

  it('while this one has no connection: the next one restores the session', async () => {
    const { server, client, socket, told } = await annsPage();
    socket.end();
    change('bob');
    expect([client.session, told]).toEqual([null, ['closed other-tab ann']]);
    await vi.advanceTimersByTimeAsync(1);
    const next = await server.accept();
    expect(await next.received.take()).toBe(restoreOf(1, 'bob'));
  });

  it('while this one restores the old session: the new one is restored after it', async () => {
    const { server, client, socket, told } = await annsPage();
    socket.end();
    await vi.advanceTimersByTimeAsync(1);
    const next = await server.accept();
    expect(await next.received.take()).toBe(restoreOf(1, 'ann'));
    change('bob');
    next.say(replyUtf8(1, session('ann')));
    expect(await next.received.take()).toBe(restoreOf(2, 'bob'));
    next.say(replyUtf8(2, session('bob')));
    await vi.waitFor(() => expect(told).toEqual(['closed other-tab ann', 'connected true']));
    expect(client.session?.key).toBe('bob');
  });
});

describe('another page closes the session', () => {
  it.each([NAME, null])('and this one closes it, too: %s', async (name) => {
    const { client, socket, told } = await annsPage();
    change(null, name);
    expect(told).toEqual(['closed other-tab ann']);
    expect(client.session).toBeNull();
    expect(await socket.received.take()).toBe(`1f${hexId(1)}`);
  });

  it('while this one has no connection: nothing is restored', async () => {
    const { server, client, socket } = await annsPage();
    socket.end();
    change(null);
    await vi.advanceTimersByTimeAsync(1);
    const next = await server.accept();
    await vi.waitFor(() => expect(client.status).toBe('connected'));
    expect(next.received.rest).toEqual([]);
  });
});

describe('another page signs in while this one', () => {
  it('signs in, too: the session of this page is the last one, and stays', async () => {
    const { client, socket, told } = await emptyPage();
    const { id, reply } = await request(client, socket);
    change('bob');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(socket.received.rest).toEqual([]);
    socket.say(created('ann'));
    socket.say(replyUtf8(id));
    await reply;
    await vi.advanceTimersByTimeAsync(10_000);
    expect([client.session?.key, storage.items.get(NAME), told]).toEqual(['ann', 'ann', []]);
    expect(sessionRequests(socket)).toEqual([]);
  });

  it('fails to sign in: this page takes the session over', async () => {
    const { client, socket, told } = await emptyPage();
    const { id, reply } = await request(client, socket);
    change('bob');
    socket.say(`00${hexId(id)}0158`);
    await expect(reply).rejects.toMatchObject({ code: 'X' });
    expect(await socket.received.take()).toBe(restoreOf(id + 1, 'bob'));
    socket.say(replyUtf8(id + 1, session('bob')));
    await vi.waitFor(() => expect(told).toEqual(['restored bob']));
    expect(client.session?.key).toBe('bob');
  });

  it('has just got a session by signing in: the later session is restored after the reply', async () => {
    const { client, socket, told } = await emptyPage();
    const { id, reply } = await request(client, socket);
    socket.say(created('ann'));
    await nextTurn();
    change('bob');
    await nextTurn();
    expect(socket.received.rest).toEqual([]);
    socket.say(replyUtf8(id));
    await reply;
    expect(await socket.received.take()).toBe(restoreOf(id + 1, 'bob'));
    socket.say(replyUtf8(id + 1, session('bob')));
    await vi.waitFor(() => expect(told).toEqual(['closed other-tab ann', 'restored bob']));
  });

  it('waits for a reply that does not come: it follows after `dialTimeout`', async () => {
    const { client, socket } = await emptyPage({ dialTimeout: 100 });
    await request(client, socket);
    change('bob');
    await vi.advanceTimersByTimeAsync(99);
    expect(socket.received.rest).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await socket.received.take()).toBe(restoreOf(2, 'bob'));
  });

  it('restores a session by its key: the restored session stays', async () => {
    const { client, socket, told } = await annsPage();
    const restoring = client.restoreSession('eve');
    expect(await socket.received.take()).toBe(restoreOf(1, 'eve'));
    change('bob');
    socket.say(replyUtf8(1, session('eve')));
    await restoring;
    await vi.advanceTimersByTimeAsync(10_000);
    expect([client.session?.key, storage.items.get(NAME), told]).toEqual(['eve', 'eve', ['closed other-tab ann']]);
    expect(socket.received.rest).toEqual([]);
  });

  it('closes its session: the new session is not removed, and restored', async () => {
    const { client, socket, told } = await annsPage();
    const closing = client.closeSession();
    expect(await socket.received.take()).toBe(CLOSE(1));
    change('bob');
    socket.say(replyUtf8(1));
    await closing;
    expect(await socket.received.take()).toBe(restoreOf(2, 'bob'));
    socket.say(replyUtf8(2, session('bob')));
    await vi.waitFor(() => expect(told).toEqual(['closed other-tab ann', 'restored bob']));
    expect(storage.items.get(NAME)).toBe('bob');
  });

  it('restores the session of a third page: one session is restored after the other', async () => {
    const { client, socket, told } = await annsPage();
    change('bob');
    expect(await socket.received.take()).toBe(restoreOf(1, 'bob'));
    change('carl');
    change('dora');
    await nextTurn();
    expect(socket.received.rest).toEqual([]);
    socket.say(replyUtf8(1, session('bob')));
    expect(await socket.received.take()).toBe(restoreOf(2, 'dora'));
    socket.say(replyUtf8(2, session('dora')));
    await vi.waitFor(() => expect(told).toEqual(['closed other-tab ann', 'restored dora']));
    await vi.advanceTimersByTimeAsync(10_000);
    expect([client.session?.key, socket.received.rest]).toEqual(['dora', []]);
  });
});

describe('another page closes the session while this one', () => {
  it('signs in: the new session stays', async () => {
    const { client, socket, told } = await annsPage();
    const { id, reply } = await request(client, socket);
    change(null);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(socket.received.rest).toEqual([]);
    socket.say('16');
    socket.say(created('bob'));
    socket.say(replyUtf8(id));
    await reply;
    await vi.advanceTimersByTimeAsync(10_000);
    expect([client.session?.key, storage.items.get(NAME), told]).toEqual(['bob', 'bob', ['closed other-tab ann']]);
    expect(socket.received.rest).toEqual([]);
  });

  it('fails to sign in: the session is closed', async () => {
    const { client, socket } = await annsPage();
    const { id, reply } = await request(client, socket);
    change(null);
    socket.say(`00${hexId(id)}0158`);
    await expect(reply).rejects.toMatchObject({ code: 'X' });
    expect(await socket.received.take()).toBe(CLOSE(id + 1));
  });

  it('signs in for longer than `dialTimeout`: a session that the server creates before it closes one is over', async () => {
    const { client, socket, told } = await annsPage({ dialTimeout: 100 });
    await request(client, socket);
    change(null);
    await vi.advanceTimersByTimeAsync(100);
    expect(await socket.received.take()).toBe(CLOSE(2));
    socket.say('16');
    socket.say(created('bob'));
    socket.say(replyUtf8(2));
    await vi.waitFor(() => expect(told).toEqual(['closed other-tab ann', 'closed other-tab bob']));
    expect([client.session, storage.items.get(NAME), socket.received.rest]).toEqual([null, undefined, []]);
  });

  it('restores it: it is closed after the reply', async () => {
    const { client, socket, told } = await annsPage();
    change('bob');
    expect(await socket.received.take()).toBe(restoreOf(1, 'bob'));
    change(null);
    await nextTurn();
    expect(socket.received.rest).toEqual([]);
    socket.say(replyUtf8(1, session('bob')));
    expect(await socket.received.take()).toBe(CLOSE(2));
    socket.say(replyUtf8(2));
    await vi.advanceTimersByTimeAsync(10_000);
    expect([client.session, told, socket.received.rest]).toEqual([null, ['closed other-tab ann'], []]);
  });

  it('closes it, too: it is closed once', async () => {
    const { client, socket, told } = await annsPage();
    const closing = client.closeSession();
    expect(await socket.received.take()).toBe(CLOSE(1));
    change(null);
    socket.say(replyUtf8(1));
    await closing;
    await vi.advanceTimersByTimeAsync(10_000);
    expect([client.session, told, socket.received.rest]).toEqual([null, ['closed other-tab ann'], []]);
  });

  it('is connecting, and another page signs in after that: only the last session is restored', async () => {
    const { server, client, socket, told } = await annsPage();
    socket.end();
    await vi.advanceTimersByTimeAsync(1);
    const next = await server.accept();
    expect(await next.received.take()).toBe(restoreOf(1, 'ann'));
    change(null);
    next.say(replyUtf8(1, session('ann')));
    expect(await next.received.take()).toBe(CLOSE(2));
    change('bob');
    next.say(replyUtf8(2));
    expect(await next.received.take()).toBe(restoreOf(3, 'bob'));
    next.say(replyUtf8(3, session('bob')));
    await vi.waitFor(() => expect(told).toEqual(['closed other-tab ann', 'connected true']));
    expect(client.session?.key).toBe('bob');
  });
});

describe('while a page has no connection', () => {
  it('other pages may sign in one after the other: the last session is restored', async () => {
    const { server, client, socket, told } = await annsPage();
    socket.end();
    change('bob');
    change(null);
    change('carl');
    await vi.advanceTimersByTimeAsync(1);
    const next = await server.accept();
    expect(await next.received.take()).toBe(restoreOf(1, 'carl'));
    next.say(replyUtf8(1, session('carl')));
    await vi.waitFor(() => expect(told).toEqual(['closed other-tab ann', 'connected true']));
    expect([client.session?.key, next.received.rest]).toEqual(['carl', []]);
  });

  it('its request in flight fails, and the session of another page is restored once', async () => {
    const { server, client, socket } = await emptyPage();
    const { reply } = await request(client, socket);
    change('bob');
    socket.end();
    await expect(reply).rejects.toMatchObject({ code: 'DISCONNECTED' });
    await vi.advanceTimersByTimeAsync(1);
    const next = await server.accept();
    expect(await next.received.take()).toBe(restoreOf(2, 'bob'));
    next.say(replyUtf8(2, session('bob')));
    await vi.advanceTimersByTimeAsync(10_000);
    expect([client.session?.key, sessionRequests(next)]).toEqual(['bob', []]);
  });
});

describe('an event is ignored', () => {
  it('if it is about something else, or changes nothing', async () => {
    const { socket, told } = await annsPage();
    page.dispatchEvent(Object.assign(new Event('storage'), { key: 'theme' }));
    change('ann');
    expect([told, socket.received.rest.length]).toEqual([[], 0]);
  });

  it('with `syncTabs: false`', async () => {
    const { client, told } = await annsPage({ syncTabs: false });
    change('bob');
    expect([told, client.session?.key]).toEqual([[], 'ann']);
  });

  it('after the client was closed', async () => {
    const { client, told } = await annsPage();
    await client.close();
    change(null);
    expect(told).toEqual([]);
  });
});
