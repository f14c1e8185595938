import { MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  ProtocolError,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireServer,
  type WebwireServerEvents,
} from 'nestjs-webwire';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { setImmediate as passIo } from 'node:timers/promises';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../support/deferred.js';
import { refusal } from '../support/refusal.js';
import { TestApp } from '../support/test-app.js';

type EventName = keyof WebwireServerEvents;

@WebwireGateway({ maxBufferedAmount: 0 })
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly work = deferred();
  readonly started = deferred();
  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest('slow') async slow() {
    this.started.resolve();
    await this.work.promise;
  }
}

let app: TestApp;
let server: WebwireServer;

async function start(shutdownTimeout?: number) {
  app = await TestApp.start({ providers: [Gateway] }, { shutdownTimeout });
  ({ server } = app.get(Gateway));
}

afterEach(async () => {
  app.get(Gateway).work.resolve();
  await app.close();
});

describe.each<[string, (name: EventName) => Promise<unknown>]>([
  ['server.on()', async (name) => ((await once(server, name)) as unknown[])[0]],
  [
    'a diagnostics channel',
    async (name) => {
      const event = deferred<object>();
      const channel = `nestjs-webwire:${name}`;
      const listener = (message: unknown) => event.resolve(message as object);
      subscribe(channel, listener);
      onTestFinished(() => void unsubscribe(channel, listener));
      const { server: source, ...rest } = (await event.promise) as { server: WebwireServer };
      return source === server ? rest : 'an event of another server';
    },
  ],
])('%s reports', (_way, next) => {
  it('connections that open and close', async () => {
    await start();
    const connected = next('connection');
    const client = await app.connect();
    const [connection] = server.connections;
    expect(connection).toBeInstanceOf(WebwireConnection);
    expect(await connected).toEqual({ connection });
    const left = next('disconnection');
    await client.close();
    expect(await left).toEqual({ connection, reason: 'client-close' });
  });

  it('clients that are refused', async () => {
    await start();
    const shutdown = server.shutdown();
    const refused = next('refusal');
    expect(await refusal(app.url('/?x'))).toBe('503 server shutting down');
    expect(await refused).toEqual({
      request: expect.objectContaining({ url: '/?x' }),
      status: 503,
      reason: 'server shutting down',
    });
    await shutdown;
  });

  it('violations', async () => {
    await start();
    const violated = next('violation');
    const client = await app.connect();
    const [connection] = server.connections;
    client.sendBytes('ff');
    const error = expect.any(ProtocolError) as ProtocolError;
    expect(await violated).toEqual({ connection, error });
    expect(await violated).toMatchObject({ error: { code: 'UNKNOWN_TYPE', closeCode: 1002 } });
  });

  it('clients that read too slowly', async () => {
    await start();
    const dropped = next('drop');
    const client = await app.connect();
    const [connection] = server.connections;
    client.socket.pause();
    while (connection!.signal('x', Buffer.alloc(8_000))) await passIo();
    expect(await dropped).toEqual({ connection, bufferedAmount: 8_007 });
    client.socket.terminate();
  });

  it('a shutdown that begins and ends', async () => {
    await start();
    await app.connect();
    const [drained, ended] = [next('drain'), next('shutdown')];
    const shutdown = server.shutdown();
    expect(await drained).toEqual({ running: 0, connections: 1 });
    await shutdown;
    expect(await ended).toEqual({ isComplete: true });
  });

  it('a shutdown that does not finish', async () => {
    await start(0);
    const client = await app.connect();
    client.send('slow');
    await app.get(Gateway).started.promise;
    const [drained, ended] = [next('drain'), next('shutdown')];
    await server.shutdown();
    expect(await drained).toEqual({ running: 1, connections: 1 });
    expect(await ended).toEqual({ isComplete: false });
  });
});

it('a listener may close the connection of its event', async () => {
  await start();
  server.on('violation', ({ connection }) => void connection.close());
  const left = once(server, 'disconnection');
  const client = await app.connect();
  client.sendBytes('ff');
  expect(await client.closed).toEqual({ code: 1002, reason: 'UNKNOWN_TYPE' });
  expect(await left).toMatchObject([{ reason: 'violation' }]);
});

it.each(['throws', 'rejects'] as const)(
  'the failure of a listener that %s is logged, and other listeners run',
  async (how) => {
    await start();
    const fail = (): void | Promise<void> => {
      const error = new Error('the listener broke');
      if (how === 'throws') throw error;
      return Promise.reject(error);
    };
    const others: string[] = [];
    server.on('connection', fail);
    server.on('connection', () => others.push('on'));
    server.once('connection', () => others.push('once'));
    const client = await app.connect();
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
    expect(await app.logger.logged('error', "A listener of the server's event connection failed")).toContain(
      'the listener broke',
    );
    await app.connect();
    expect(others).toEqual(['on', 'once', 'on']);
  },
);
