import { beforeEach, describe, expect, it } from 'vitest';
import type { ClientSnapshot } from 'nestjs-webwire/client';
import { connected, FakeServer, nextTurn } from './fake-server.js';
import { outcome } from './outcome.js';

const SESSION = '{"k":"sample-key","c":"2026-01-01T00:00:00Z","l":"2026-01-01T00:00:00Z"}';
const CREATED = `15${Buffer.from(SESSION).toString('hex')}`;

let server: FakeServer;

beforeEach(() => {
  server = new FakeServer();
});

describe('getSnapshot()', () => {
  it('returns the same immutable object until something changes', async () => {
    const client = server.client();
    const first = client.getSnapshot();
    expect(first).toEqual({ status: 'disconnected', session: null, error: undefined });
    expect(client.getSnapshot()).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
    const connecting = client.connect();
    expect(client.getSnapshot()).toEqual({ status: 'connecting', session: null, error: undefined });
    await server.accept();
    await connecting;
    const last = client.getSnapshot();
    expect(last.status).toBe('connected');
    await client.request('a', undefined, { timeout: 1 }).catch(() => undefined);
    expect(client.getSnapshot()).toBe(last);
    expect(first.status).toBe('disconnected');
  });

  it('has the session and the error', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 1 } });
    socket.say(CREATED);
    expect(client.getSnapshot().session?.key).toBe('sample-key');
    socket.end(1001);
    await nextTurn();
    expect(client.getSnapshot()).toMatchObject({
      status: 'reconnecting',
      session: { key: 'sample-key' },
      error: { code: 'DISCONNECTED', closeCode: 1001 },
    });
    await client.disconnect();
    expect(client.getSnapshot()).toMatchObject({ status: 'disconnected', error: undefined });
    await client.close();
    expect(client.getSnapshot()).toMatchObject({ status: 'closed' });
  });

  it('keeps the error of an attempt that failed', async () => {
    const client = server.client();
    const failing = outcome(client.connect());
    (await server.dialed()).end(4403, 'banned');
    await failing;
    expect(client.getSnapshot()).toMatchObject({
      status: 'disconnected',
      error: { closeCode: 4403, reason: 'banned' },
    });
  });
});

describe('subscribe()', () => {
  it('calls the listener after each change, with nothing', async () => {
    const client = server.client({ reconnect: { minDelay: 1, maxDelay: 1 } });
    const seen: ClientSnapshot[] = [];
    const calls: unknown[][] = [];
    const stop = client.subscribe((...args: unknown[]) => {
      calls.push(args);
      seen.push(client.getSnapshot());
    });
    const connecting = client.connect();
    const socket = await server.accept();
    await connecting;
    socket.say(CREATED);
    await nextTurn();
    socket.say('16');
    await nextTurn();
    socket.end();
    const again = client.connect();
    await server.accept();
    await again;
    await client.disconnect();
    await client.close();
    await nextTurn();
    expect(seen.map(({ status, session }) => `${status}${session ? ' with session' : ''}`)).toEqual([
      'connecting',
      'connected',
      'connected with session',
      'connected',
      'reconnecting',
      'connected',
      'disconnected',
      'closing',
      'closed',
    ]);
    expect(calls.every((args) => args.length === 0)).toBe(true);
    stop();
  });

  it('is told of a failed attempt that nothing waits for any more', async () => {
    const client = server.client();
    const statuses: string[] = [];
    client.subscribe(() => statuses.push(client.status));
    const abort = new AbortController();
    const connecting = outcome(client.connect({ signal: abort.signal }));
    await nextTurn();
    abort.abort();
    await connecting;
    await nextTurn();
    expect(statuses).toEqual(['connecting', 'disconnected']);
  });

  it('returns a function that removes the listener, also if it was added twice', async () => {
    const client = server.client();
    let calls = 0;
    const listener = () => calls++;
    const stop = client.subscribe(listener);
    client.subscribe(listener);
    stop();
    stop();
    void outcome(client.connect());
    await nextTurn();
    expect(calls).toBe(1);
  });

  it('and getSnapshot() may be passed on without the client', async () => {
    const { subscribe, getSnapshot } = server.client();
    expect(getSnapshot().status).toBe('disconnected');
    subscribe(() => {})();
  });

  it('calls a listener that subscribes itself anew once', async () => {
    const client = server.client();
    let calls = 0;
    const listener = () => {
      calls++;
      stop();
      stop = client.subscribe(listener);
    };
    let stop = client.subscribe(listener);
    void outcome(client.connect());
    await nextTurn();
    expect(calls).toBe(1);
  });

  it('reports the error of a listener', async () => {
    const client = server.client();
    const errors: unknown[] = [];
    client.on('error', ({ error }) => errors.push(error));
    client.subscribe(() => {
      throw new Error('broken');
    });
    void outcome(client.connect());
    await nextTurn();
    expect(errors).toMatchObject([{ message: 'broken' }]);
  });
});
