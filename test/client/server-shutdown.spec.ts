import { DisconnectedError, ServerShutdownError, WebwireClient } from 'nestjs-webwire/client';
import { WebwireGateway, WebwireRequest, WebwireService } from 'nestjs-webwire';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { deferred } from '../support/deferred.js';
import { Gate } from '../support/gate.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { connected, FakeServer, hexId, replyUtf8 } from './fake-server.js';

/** The refusal of a server that shuts down. */
const refusal = (id: number) => `01${hexId(id)}`;

const QUICK = { reconnect: { minDelay: 1, maxDelay: 1 } };

const caught = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

let server: FakeServer;

beforeEach(() => {
  server = new FakeServer();
});

describe('when a server closes the connection because it shuts down', () => {
  it('requests in flight fail as not handled, with the end of the connection as the cause', async () => {
    const { client, socket } = await connected(server);
    const failing = [
      caught(client.request('a')),
      caught(client.stream('b').next()),
      caught(client.restoreSession('c')),
    ];
    socket.end(1001, 'server shutting down after all replies');
    for (const error of await Promise.all(failing)) {
      expect(error).toBeInstanceOf(ServerShutdownError);
      expect(error).toMatchObject({
        code: 'SERVER_SHUTDOWN',
        message: expect.stringMatching(
          /^lost the connection to ws:\/\/localhost\/ after \d+ ms, close code 1001 "server/,
        ),
        cause: {
          code: 'DISCONNECTED',
          closeCode: 1001,
          reason: 'server shutting down after all replies',
        },
      });
    }
  });

  // Other servers, and earlier versions, use the first reason also if they have handled requests.
  it.each(['server shutting down', 'server shutting down, handlers did not end in time', 'read timeout', ''])(
    'with the reason "%s", it is not known whether they were handled',
    async (reason) => {
      const { client, socket } = await connected(server);
      const failing = caught(client.request('a'));
      socket.end(1001, reason);
      const error = await failing;
      expect(error).toBeInstanceOf(DisconnectedError);
      expect(error).toMatchObject({ closeCode: 1001, reason });
    },
  );

  it('the event "disconnected" has the end of the connection', async () => {
    const { client, socket } = await connected(server, QUICK);
    const events = new Queue<object>();
    client.on('disconnected', (event) => events.push(event));
    socket.end(1001, 'server shutting down after all replies');
    expect(await events.take()).toMatchObject({
      code: 1001,
      reason: 'server shutting down after all replies',
      willReconnect: true,
    });
  });
});

describe('after a server has refused a request because it shuts down', () => {
  it('further messages wait for the next connection, which is made when all requests have settled', async () => {
    const { client, socket } = await connected(server, QUICK);
    const [running, refused] = [client.request('a'), caught(client.request('b'))];
    await socket.received.take();
    await socket.received.take();
    socket.say(refusal(2));
    expect(await refused).toBeInstanceOf(ServerShutdownError);
    const [again, signal] = [client.request('b'), client.signal('c')];
    socket.say(replyUtf8(1, 'done'));
    expect((await running).text()).toBe('done');
    expect(await socket.closed.take()).toBe('1000');
    expect(socket.received.rest).toEqual([]);
    const next = await server.accept();
    expect([await next.received.take(), await next.received.take()]).toEqual([`7f${hexId(3)}0162`, '3f0163']);
    await signal;
    next.say(replyUtf8(3, 'handled'));
    expect((await again).text()).toBe('handled');
    expect(client.status).toBe('connected');
  });

  it('the delays grow if the next connections lead to such a server, too', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 1, maxDelay: 4, jitter: 0 } });
    const attempts = new Queue<number>();
    client.on('reconnecting', ({ attempt }) => attempts.push(attempt));
    let current = socket;
    for (let id = 1; id <= 3; id++) {
      const refused = caught(client.request('a'));
      await current.received.take();
      current.say(refusal(id));
      expect(await refused).toBeInstanceOf(ServerShutdownError);
      expect(await attempts.take()).toBe(id);
      current = await server.accept();
    }
  });

  it('signals still arrive, until the connection has ended', async () => {
    const { client, socket } = await connected(server, QUICK);
    const signals = new Queue<string>();
    client.onSignal((payload, name) => signals.push(`${name} ${payload.text()}`));
    socket.answersClose = false;
    const refused = caught(client.request('a'));
    socket.say(refusal(1));
    await refused;
    expect(await socket.closed.take()).toBe('1000');
    socket.say('40026162' + Buffer.from('last').toString('hex'));
    expect(await signals.take()).toBe('ab last');
    socket.end(1000);
    await server.accept();
  });

  it('a stream goes on to its end first', async () => {
    const { client, socket } = await connected(server, QUICK);
    const stream = client.stream('a');
    const end = stream.next();
    // The question for the extensions, and the stream.
    await socket.received.take();
    await socket.received.take();
    socket.say(replyUtf8(0, '{"extensions":["stream"],"streamWindow":64}'));
    const refused = caught(client.request('b'));
    socket.say(refusal(2));
    await refused;
    socket.say(replyUtf8(1));
    expect(await end).toEqual({ done: true, value: undefined });
    expect(await socket.closed.take()).toBe('1000');
    await server.accept();
  });

  it('connect() resolves, as there is a connection', async () => {
    const { client, socket } = await connected(server, QUICK);
    void client.request('a').catch(() => undefined);
    const refused = caught(client.request('b'));
    socket.say(refusal(2));
    await refused;
    await client.connect();
    expect(server.dials).toBe(1);
  });

  it('close() rejects what waits for the next connection', async () => {
    const { client, socket } = await connected(server, QUICK);
    const running = client.request('a');
    const refused = caught(client.request('b'));
    socket.say(refusal(2));
    await refused;
    const waiting = caught(client.request('b'));
    const closed = client.close();
    expect(await waiting).toMatchObject({ code: 'DISCONNECTED', message: 'the client is closed' });
    socket.say(replyUtf8(1));
    await running;
    await closed;
    expect(server.dials).toBe(1);
  });

  it('a client with reconnect: false goes on with its connection', async () => {
    const { client, socket } = await connected(server, { reconnect: false });
    for (const id of [1, 2]) {
      const refused = caught(client.request('a'));
      socket.say(refusal(id));
      expect(await refused).toBeInstanceOf(ServerShutdownError);
    }
    expect(socket.closed.rest).toEqual([]);
    expect(client.status).toBe('connected');
  });
});

@WebwireGateway()
class Gateway {
  readonly calls: string[] = [];
  readonly started = new Queue<string>();
  readonly work = deferred();

  @WebwireRequest('slow') async slow() {
    this.calls.push('slow');
    this.started.push('slow');
    await this.work.promise;
    return 'slow';
  }
  @WebwireRequest('fast') fast() {
    this.calls.push('fast');
    return 'fast';
  }
}

describe('requests to a server that is replaced', () => {
  const start = async (shutdownTimeout = 30_000) => {
    const app = await TestApp.start({ providers: [Gateway] }, { sessions: false, shutdownTimeout });
    onTestFinished(async () => {
      app.get(Gateway).work.resolve();
      await app.close();
    });
    return { app, gateway: app.get(Gateway) };
  };
  const clientOf = (url: string) => {
    const client = new WebwireClient(url, { webSocket: WebSocket, ...QUICK });
    onTestFinished(() => client.close());
    return client;
  };

  it('are handled exactly once, if those that are refused are sent again', async () => {
    const [old, replacement] = [await start(), await start()];
    const gate = await Gate.start(old.app.port);
    onTestFinished(() => gate.close());
    const client = clientOf(`ws://127.0.0.1:${gate.port}`);
    const running = client.request('slow');
    await old.gateway.started.take();
    const stopped = old.app.close();
    const refused = await caught(client.request('fast'));
    expect(refused).toBeInstanceOf(ServerShutdownError);
    gate.target = replacement.app.port;
    const again = client.request('fast');
    old.gateway.work.resolve();
    expect((await running).text()).toBe('slow');
    expect((await again).text()).toBe('fast');
    await stopped;
    expect([old.gateway.calls, replacement.gateway.calls]).toEqual([['slow'], ['fast']]);
    expect(replacement.app.get(WebwireService).connectionCount).toBe(1);
  });

  it('that arrive after the close frame fail as not handled', async () => {
    const { app, gateway } = await start();
    const client = clientOf(app.url());
    await client.connect();
    const stopped = app.close();
    const errors = await Promise.all(
      Array.from({ length: 100 }, () => caught(client.request('fast', '', { timeout: 5_000 }))),
    );
    await stopped;
    for (const error of errors) expect(error).toBeInstanceOf(ServerShutdownError);
    expect(gateway.calls).toEqual([]);
  });

  it('whose handlers are not waited for fail, and may have been handled', async () => {
    const { app, gateway } = await start(1);
    const client = clientOf(app.url());
    const failing = caught(client.request('slow'));
    await gateway.started.take();
    await app.app.close();
    expect(await failing).toMatchObject({ code: 'DISCONNECTED', closeCode: 1001 });
    expect(gateway.calls).toEqual(['slow']);
  });
});
