import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connected, FakeServer, replyUtf8 } from './fake-server.js';
import { outcome } from './outcome.js';

let server: FakeServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
});
afterEach(() => void vi.useRealTimers());

describe('close()', () => {
  it('closes the connection with 1000, and emits an event', async () => {
    const { client, socket } = await connected(server);
    const told = vi.fn<(...args: unknown[]) => void>();
    client.on('disconnected', told);
    await client.close();
    expect(await socket.closed.take()).toBe('1000');
    expect(client.status).toBe('closed');
    expect(told.mock.calls).toEqual([
      [{ error: expect.objectContaining({ code: 'DISCONNECTED' }), code: 1000, reason: '', willReconnect: false }],
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits for the requests in flight, and rejects new ones', async () => {
    const { client, socket } = await connected(server);
    const reply = client.request('a');
    const closed = client.close();
    expect(client.status).toBe('closing');
    expect([
      await outcome(client.request('b')),
      await outcome(client.signal('b')),
      await outcome(client.connect()),
      await outcome(client.restoreSession('key')),
    ]).toEqual(Array(4).fill('DISCONNECTED: the client is closed'));
    expect(socket.closed.rest).toEqual([]);

    socket.say(replyUtf8(1, 'in time'));
    expect((await reply).text()).toBe('in time');
    await closed;
    expect(client.status).toBe('closed');
    expect(socket.received.rest).toHaveLength(1);
  });

  it('waits no longer than these wait themselves', async () => {
    const { client } = await connected(server);
    const late = outcome(client.request('a', 'b', { timeout: 500 }));
    const closed = client.close();
    await vi.advanceTimersByTimeAsync(500);
    await closed;
    expect(await late).toBe('TIMEOUT: timeout after 500 ms: no reply came');
  });

  it('keeps the connection alive meanwhile', async () => {
    const { client, socket } = await connected(server);
    void outcome(client.request('a', 'b', { timeout: 50_000 }));
    const closed = client.close();
    await vi.advanceTimersByTimeAsync(50_000);
    await closed;
    expect([...socket.received.rest]).toContain('21');
  });

  it('fails the requests in flight if the connection is lost meanwhile, and does not reconnect', async () => {
    const { client, socket } = await connected(server);
    const lost = outcome(client.request('a'));
    const closed = client.close();
    socket.end();
    await closed;
    expect(await lost).toBe('DISCONNECTED: lost the connection to ws://localhost/ after 0 ms, close code 1006');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.dials).toBe(1);
  });

  it('rejects operations that wait for a connection, and ends the attempts', async () => {
    const client = server.client();
    const waiting = [outcome(client.connect()), outcome(client.request('a')), outcome(client.signal('a'))];
    const socket = await server.dialed();
    await client.close();
    expect(await Promise.all(waiting)).toEqual(Array(3).fill('DISCONNECTED: the client is closed'));
    expect(await socket.closed.take()).toBe('1000');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.dials).toBe(1);
  });

  it('ends the wait for the next attempt', async () => {
    const { client, socket } = await connected(server);
    socket.end();
    expect(client.status).toBe('reconnecting');
    await client.close();
    expect(vi.getTimerCount()).toBe(0);
    expect(client.status).toBe('closed');
  });

  it('is for good, and may be called twice', async () => {
    const { client } = await connected(server);
    await Promise.all([client.close(), client.close()]);
    await client.close();
    expect(await outcome(client.connect())).toBe('DISCONNECTED: the client is closed');
    expect(await outcome(client.request('a'))).toBe('DISCONNECTED: the client is closed');
    expect(server.dials).toBe(1);
  });

  it('does nothing to a client that never connected', async () => {
    const client = server.client();
    await client.close();
    expect([client.status, server.dials]).toEqual(['closed', 0]);
  });

  it('does not wait for a server that does not answer it', async () => {
    const { client, socket } = await connected(server);
    socket.answersClose = false;
    const closed = client.close();
    await vi.advanceTimersByTimeAsync(1_999);
    expect(client.status).toBe('closing');
    await vi.advanceTimersByTimeAsync(1);
    await closed;
    expect([...socket.closed.rest]).toEqual(['1000', 'terminated']);
  });
});
