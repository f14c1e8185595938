import { beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { MemoryTransport, WebwireGateway, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { TestApp } from '../support/test-app.js';
import { connected, FakeServer, nextTurn, type FakeSocket } from './fake-server.js';
import { outcome } from './outcome.js';

const FAST = { minDelay: 1, maxDelay: 5 };

let server: FakeServer;

beforeEach(() => {
  server = new FakeServer();
});

describe('disconnect()', () => {
  it('ends the connection, and connect() starts again', async () => {
    const { client, socket } = await connected(server, { reconnect: FAST });
    const events: unknown[] = [];
    client.on('disconnected', ({ code, reason, willReconnect }) => events.push([code, reason, willReconnect]));
    const disconnecting = client.disconnect();
    expect(client.status).toBe('disconnected');
    await disconnecting;
    expect([socket.readyState, events]).toEqual([3, [[undefined, '', false]]]);
    expect(await socket.closed.take()).toBe('1000');
    const connecting = client.connect();
    await server.accept();
    await connecting;
    expect([client.status, server.dials]).toEqual(['connected', 2]);
  });

  it.each(['disconnect', 'close'] as const)(
    'resolves for each call when the connection has ended, after %s()',
    async (first) => {
      const { client, socket } = await connected(server);
      const ending = client[first]();
      const states: number[] = [];
      const calls = [client.disconnect(), client.disconnect()];
      await Promise.all(calls.map((call) => call.then(() => states.push(socket.readyState))));
      expect(states).toEqual([3, 3]);
      await ending;
    },
  );

  let isBroken: boolean;

  it.each<[string, (client: WebwireClient) => Promise<FakeSocket>]>([
    ['the WebSocket is connecting', () => server.dialed()],
    ['`onConnect` runs', () => server.accept()],
    [
      'disconnect() has been called',
      async (client) => {
        const socket = await server.accept();
        socket.answersClose = false;
        void client.disconnect();
        return socket;
      },
    ],
    [
      'disconnect() has been called, and the next attempt has failed',
      async (client) => {
        const socket = await server.accept();
        socket.answersClose = false;
        void client.disconnect();
        isBroken = true;
        await outcome(client.connect());
        return socket;
      },
    ],
  ])('close() also waits for the end of the connection when %s', async (_when, reach) => {
    isBroken = false;
    const url = () => (isBroken ? '' : 'ws://localhost');
    const client = server.client({ onConnect: () => new Promise(() => {}) }, url);
    const connecting = outcome(client.connect());
    const socket = await reach(client);
    socket.answersClose = false;
    const closed = client.close().then(() => socket.readyState);
    await connecting;
    await nextTurn();
    expect(client.status).toBe('closing');
    socket.end();
    expect([await closed, client.status]).toEqual([3, 'closed']);
  });

  it('resolves when the connection has ended, also if a listener connects again', async () => {
    const { client, socket } = await connected(server);
    const stop = client.on('disconnected', () => {
      stop();
      return client.connect();
    });
    await client.disconnect();
    expect([socket.readyState, client.status]).toEqual([3, 'connecting']);
    await server.accept();
  });

  it('rejects the requests that are in flight', async () => {
    const { client } = await connected(server);
    const inFlight = outcome(client.request('a'));
    await client.disconnect();
    expect(await inFlight).toBe('DISCONNECTED: disconnected from ws://localhost/ by disconnect()');
  });

  it('ends streams', async () => {
    const { client } = await connected(server);
    const next = outcome(client.stream('ticks').next());
    await nextTurn();
    await client.disconnect();
    expect(await next).toMatch(/^DISCONNECTED: disconnected/);
  });

  it('stops an attempt, and rejects the operations that wait', async () => {
    const client = server.client({ reconnect: FAST });
    const waiting = [client.connect({ retry: true }), client.request('a'), client.signal('b')].map(outcome);
    await server.dialed();
    await client.disconnect();
    for (const text of await Promise.all(waiting)) expect(text).toMatch(/^DISCONNECTED: disconnected from/);
    await nextTurn();
    expect([client.status, server.dials]).toEqual(['disconnected', 1]);
  });

  it('stops the wait before the next attempt', async () => {
    vi.useFakeTimers();
    try {
      const { client, socket } = await connected(server, { reconnect: { minDelay: 100 } });
      socket.end();
      expect(client.status).toBe('reconnecting');
      await client.disconnect();
      await vi.advanceTimersByTimeAsync(60_000);
      expect([client.status, server.dials, vi.getTimerCount()]).toEqual(['disconnected', 1, 0]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('lets requests and signals reject until connect()', async () => {
    const { client } = await connected(server);
    await client.disconnect();
    const error = 'DISCONNECTED: not connected to ws://localhost/: call connect()';
    expect(await outcome(client.request('a'))).toBe(error);
    expect(await outcome(client.signal('a'))).toBe(error);
    expect(await outcome(client.stream('a').next())).toBe(error);
    expect(server.dials).toBe(1);
    const connecting = client.connect();
    const waiting = outcome(client.signal('a'));
    await server.accept();
    await connecting;
    expect(await waiting).toBeUndefined();
  });

  it('before the first connect() only stops requests from connecting', async () => {
    const client = server.client();
    await client.disconnect();
    expect(await outcome(client.request('a'))).toMatch('call connect()');
    expect([client.status, server.dials]).toEqual(['disconnected', 0]);
  });

  it('may be followed by connect() at once, as in the StrictMode of React', async () => {
    const client = server.client({ reconnect: FAST });
    const first = outcome(client.connect());
    const disconnecting = client.disconnect();
    const second = client.connect();
    expect(client.status).toBe('connecting');
    (await server.dialed()).open();
    await server.accept();
    await Promise.all([disconnecting, second]);
    expect(await first).toMatch(/^DISCONNECTED: disconnected/);
    expect([client.status, server.dials]).toEqual(['connected', 2]);
  });

  it('does nothing twice, and nothing after close()', async () => {
    const { client } = await connected(server);
    const events: unknown[] = [];
    client.on('disconnected', (event) => events.push(event));
    await client.disconnect();
    await client.disconnect();
    expect(events).toHaveLength(1);
    await client.close();
    await client.disconnect();
    expect(client.status).toBe('closed');
    expect(await outcome(client.connect())).toBe('DISCONNECTED: the client is closed');
  });

  it('waits for a URL of the application no longer', async () => {
    const client = server.client({}, () => new Promise(() => {}));
    const connecting = outcome(client.connect());
    await client.disconnect();
    expect(await connecting).toMatch(/^DISCONNECTED: disconnected from the server/);
  });

  it('resolves also if the server does not answer the close frame', async () => {
    vi.useFakeTimers();
    try {
      const { client, socket } = await connected(server);
      socket.answersClose = false;
      const disconnecting = client.disconnect();
      await vi.advanceTimersByTimeAsync(2_000);
      await disconnecting;
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it('may be called by a listener of any event', async () => {
    for (const event of ['connected', 'disconnected', 'reconnecting'] as const) {
      const own = new FakeServer();
      const client = own.client({ reconnect: FAST });
      client.on(event, () => client.disconnect());
      const connecting = outcome(client.connect());
      const socket = await own.accept();
      await connecting;
      socket.end();
      await nextTurn();
      expect([event, client.status]).toEqual([event, 'disconnected']);
    }
  });
});

@WebwireGateway()
class PingGateway {
  @WebwireRequest('ping') ping() {}
}

it.each(['ws', 'memory'])('disconnect() closes the connection on the server, over %s', async (kind) => {
  const transport = new MemoryTransport();
  const app = await TestApp.start(
    { providers: [PingGateway] },
    { sessions: false, ...(kind === 'memory' && { transport }) },
  );
  const client = new WebwireClient(app.url(), { webSocket: kind === 'memory' ? transport.webSocket : WebSocket });
  try {
    for (let round = 0; round < 3; round++) {
      await client.connect();
      await client.request('ping');
      await client.disconnect();
      await vi.waitFor(() => expect(app.get(WebwireService).connectionCount).toBe(0));
    }
  } finally {
    await client.close();
    await app.close();
  }
});
