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

function record(client: WebwireClient): string[] {
  const told: string[] = [];
  client.on('sessionClosed', ({ reason, session: closed }) => told.push(`closed ${reason} ${closed?.key}`));
  client.on('sessionRestored', ({ session: restored }) => told.push(`restored ${restored.key}`));
  client.on('connected', ({ isSessionRestored }) => told.push(`connected ${isSessionRestored}`));
  return told;
}

/** Makes a client of this page with the session `ann`, and its connection. */
async function annsPage(options: object = {}): Promise<{
  server: FakeServer;
  client: WebwireClient;
  socket: FakeSocket;
  told: string[];
}> {
  const server = new FakeServer();
  const client = server.client({ sessionStorage: storage, reconnect: { minDelay: 1, jitter: 0 }, ...options });
  const connecting = client.connect();
  const socket = await server.accept();
  await connecting;
  socket.say(`15${Buffer.from(session('ann')).toString('hex')}`);
  await nextTurn();
  return { server, client, socket, told: record(client) };
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
