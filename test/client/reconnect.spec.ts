import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { WebwireClient } from 'nestjs-webwire/client';
import { connected, FakeServer, nextTurn, replyUtf8 } from './fake-server.js';
import { outcome } from './outcome.js';

let server: FakeServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Records the events of a client in order, in a short form. */
function record(client: WebwireClient): string[] {
  const told: string[] = [];
  client.on('connected', ({ isReconnect }) => told.push(`connected${isReconnect ? ' again' : ''}`));
  client.on('disconnected', ({ code, reason, willReconnect }) =>
    told.push(`disconnected ${code} ${reason} ${willReconnect}`),
  );
  client.on('reconnecting', ({ attempt, delay }) => told.push(`reconnecting ${attempt} ${delay}`));
  client.on('error', ({ error }) => told.push(`error ${(error as { code: string }).code}`));
  return told;
}

describe('a lost connection', () => {
  it('is replaced after delays that grow up to the longest', async () => {
    const { client, socket } = await connected(server, {
      reconnect: { minDelay: 100, maxDelay: 500, factor: 2, jitter: 0 },
    });
    const told = record(client);
    socket.end(1001, 'going away');
    expect(client.status).toBe('reconnecting');
    for (const delay of [100, 200, 400, 500, 500]) {
      await vi.advanceTimersByTimeAsync(delay - 1);
      expect(server.sockets.rest).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
      (await server.dialed()).end();
    }
    await vi.advanceTimersByTimeAsync(500);
    await server.accept();
    await vi.advanceTimersByTimeAsync(0);
    expect(client.status).toBe('connected');
    expect(told).toEqual([
      'disconnected 1001 going away true',
      'reconnecting 1 100',
      'reconnecting 2 200',
      'reconnecting 3 400',
      'reconnecting 4 500',
      'reconnecting 5 500',
      'reconnecting 6 500',
      'connected again',
    ]);
  });

  it('is replaced after a random part of the delay', async () => {
    const random = vi.spyOn(Math, 'random');
    const { client, socket } = await connected(server, { reconnect: { minDelay: 1_000, factor: 1 } });
    const told = record(client);
    socket.end();
    for (const value of [0, 0.25, 0.999_999]) {
      random.mockReturnValue(value);
      await vi.advanceTimersByTimeAsync(1_000);
      (await server.dialed()).end();
    }
    expect(told.slice(2)).toEqual(['reconnecting 2 1000', 'reconnecting 3 750', 'reconnecting 4 1']);
  });

  it('is replaced soon by default, and never later than in 15 seconds', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const { client, socket } = await connected(server, { dialTimeout: 60_000 });
    const told = record(client);
    socket.end();
    for (let attempt = 1; attempt <= 10; attempt++) {
      await vi.advanceTimersByTimeAsync(15_000);
      (await server.dialed()).end();
    }
    expect(told.filter((line) => line.startsWith('reconnecting')).map((line) => Number(line.split(' ')[2]))).toEqual([
      250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000, 15_000, 15_000,
    ]);
  });

  it('is not replaced with `reconnect: false`', async () => {
    const { client, socket } = await connected(server, { reconnect: false });
    const told = record(client);
    socket.end(1001);
    expect(told).toEqual(['disconnected 1001  false']);
    expect(client.status).toBe('disconnected');
    expect(vi.getTimerCount()).toBe(0);
    const connecting = client.connect();
    await server.accept();
    await connecting;
  });

  it('is replaced at once by connect()', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 10_000, jitter: 0 } });
    socket.end();
    const connecting = client.connect();
    await server.accept();
    await connecting;
    expect(vi.getTimerCount()).toBe(1); // for heartbeats
  });

  it('is replaced further on after a connect() that fails', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 100, jitter: 0 } });
    socket.end();
    const failing = outcome(client.connect());
    (await server.dialed()).end();
    expect(await failing).toEqual(expect.stringMatching('^DISCONNECTED: could not connect to ws://localhost/ '));
    expect(client.status).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(200);
    await server.accept();
    await vi.advanceTimersByTimeAsync(0);
    expect(client.status).toBe('connected');
  });
});

describe('a server that accepts and hangs up', () => {
  it('meets delays that grow', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 100, jitter: 0 } });
    socket.end();
    for (const delay of [100, 200, 400, 800]) {
      await vi.advanceTimersByTimeAsync(delay);
      const next = await server.accept();
      await vi.advanceTimersByTimeAsync(0);
      expect(client.status).toBe('connected');
      next.end();
    }
    await vi.advanceTimersByTimeAsync(1_599);
    expect(server.dials).toBe(5);
    await vi.advanceTimersByTimeAsync(1);
    expect(server.dials).toBe(6);
  });

  it.each([
    [
      'has answered a request',
      async (client: WebwireClient, say: (hex: string) => void) => {
        const reply = client.request('a');
        say(replyUtf8(1));
        await reply;
      },
    ],
    ['has sent a signal', async (_client: WebwireClient, say: (hex: string) => void) => say('400161')],
    ['has held for five seconds', async () => void (await vi.advanceTimersByTimeAsync(5_000))],
  ])('is forgiven if it %s', async (_what, prove) => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 100, jitter: 0 } });
    const told = record(client);
    socket.end();
    await vi.advanceTimersByTimeAsync(100);
    (await server.dialed()).end();
    await vi.advanceTimersByTimeAsync(200);
    const next = await server.accept();
    await vi.advanceTimersByTimeAsync(0);
    await prove(client, (hex) => next.say(hex));
    next.end();
    await nextTurn();
    expect(told.at(-1)).toBe('reconnecting 1 100');
  });
});

describe('a server that has become another one', () => {
  it('ends the attempts, and rejects operations that wait', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 100, jitter: 0 } });
    const told = record(client);
    socket.end();
    const waiting = outcome(client.request('a'));
    await vi.advanceTimersByTimeAsync(100);
    await server.accept('17030060ea000000200000');
    expect(await waiting).toBe(
      'INCOMPATIBLE_PROTOCOL_VERSION: the server at ws://localhost/ speaks WebWire 3, this client 2',
    );
    expect(client.status).toBe('disconnected');
    expect(vi.getTimerCount()).toBeLessThanOrEqual(1); // the timeout of the closing socket
    expect(told.slice(2)).toEqual([]);
  });

  it('is reported by an event if no operation waits', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 100, jitter: 0 } });
    const told = record(client);
    socket.end();
    await vi.advanceTimersByTimeAsync(100);
    await server.accept('17020060ea00000020000061');
    expect(told.slice(2)).toEqual(['error SUB_PROTOCOL_MISMATCH']);
    expect(client.status).toBe('disconnected');
  });
});

describe('a listener', () => {
  it('may connect again, and nothing is dialed twice', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 100, jitter: 0 } });
    const told = record(client);
    client.on('disconnected', () => void client.connect().catch(() => undefined));
    socket.end();
    await server.accept();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.dials).toBe(2);
    expect(told).toEqual(['disconnected 1006  true', 'connected again']);
  });

  it('may close the client', async () => {
    const { client, socket } = await connected(server);
    const told = record(client);
    client.on('disconnected', () => void client.close());
    socket.end();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.dials).toBe(1);
    expect(told).toEqual(['disconnected 1006  true']);
    expect(client.status).toBe('closed');
  });
});
