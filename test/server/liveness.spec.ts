import { WebSocketServer } from '@nestjs/websockets';
import {
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  type DisconnectReason,
  type Message,
  type WebwireModuleOptions,
  type WebwireServer,
} from 'nestjs-webwire';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as passIo } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { TcpClient } from '../support/tcp-client.js';
import { TestApp } from '../support/test-app.js';
import { describe as show, WireClient } from '../support/wire-client.js';

/** The server checks eight times per read timeout. */
const LOOK = 1_000;
const READ_TIMEOUT = 8 * LOOK;

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly connections: WebwireConnection[] = [];
  readonly disconnects = new Queue<DisconnectReason>();
  readonly started = new Queue<Message>();
  readonly work = deferred<string>();

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.disconnects.push(reason);
  }
  @WebwireRequest('echo') echo(@WebwireMessage() message: Message) {
    return message.payload;
  }
  @WebwireRequest('slow') slow(@WebwireMessage() message: Message) {
    this.started.push(message);
    return this.work.promise;
  }
  @WebwireRequest('until gone') async untilGone(@WebwireMessage() message: Message) {
    this.started.push(message);
    await once(message.abortSignal, 'abort');
  }
  @WebwireSignal('nothing') nothing() {}
}

let app: TestApp;
let gateway: Gateway;
/** The server's ends of the TCP connections. */
let sockets: Socket[];

async function start(options: WebwireModuleOptions = {}) {
  app = await TestApp.start({ providers: [Gateway] }, { readTimeout: READ_TIMEOUT, ...options });
  gateway = app.get(Gateway);
  sockets = [];
  (app.app.getHttpServer() as Server).on('connection', (socket) => sockets.push(socket));
}

async function connect(): Promise<[WireClient, WebwireConnection]> {
  const client = await app.connect();
  await client.ask('echo', 'here');
  return [client, gateway.connections.at(-1)!];
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(async () => {
  vi.useRealTimers();
  gateway.work.resolve('');
  await app.close();
});

describe('a client that is silent', () => {
  it.each([0, 1, LOOK / 2, LOOK - 1])('is disconnected after readTimeout, not before (%i)', async (phase) => {
    await start();
    const [client, connection] = await connect();
    vi.advanceTimersByTime(phase);
    await client.ask('echo', 'the last word');
    vi.advanceTimersByTime(READ_TIMEOUT - 1);
    expect(connection.isActive).toBe(true);
    vi.advanceTimersByTime(LOOK + 1);
    expect(connection.isActive).toBe(false);
    expect(await client.closed).toEqual({ code: 1001, reason: 'read timeout' });
    expect(await gateway.disconnects.take()).toBe('read-timeout');
    expect(app.logger.at('warn')).toEqual([]);
  });

  it('is disconnected if it never sends anything', async () => {
    await start();
    const client = await app.connect();
    vi.advanceTimersByTime(READ_TIMEOUT + LOOK);
    expect(await client.closed).toEqual({ code: 1001, reason: 'read timeout' });
  });

  it('is disconnected while handlers run, whose abort signal fires', async () => {
    await start();
    const [client] = await connect();
    client.send('slow');
    const { abortSignal } = await gateway.started.take();
    vi.advanceTimersByTime(READ_TIMEOUT + LOOK);
    expect(await client.closed).toEqual({ code: 1001, reason: 'read timeout' });
    expect(await gateway.disconnects.take()).toBe('read-timeout');
    expect(abortSignal.aborted).toBe(true);
  });

  it('is disconnected while it is being closed', async () => {
    await start();
    const [client, connection] = await connect();
    client.send('slow');
    await gateway.started.take();
    await connection.close();
    vi.advanceTimersByTime(READ_TIMEOUT + LOOK);
    await client.closed;
    expect(await gateway.disconnects.take()).toBe('server-close');
  });

  it('does not disconnect others', async () => {
    await start();
    const [[silent], [busy]] = [await connect(), await connect()];
    vi.advanceTimersByTime(READ_TIMEOUT);
    await busy.ask('echo', 'x');
    vi.advanceTimersByTime(LOOK);
    expect(await silent.closed).toEqual({ code: 1001, reason: 'read timeout' });
    expect(await busy.ask('echo', 'still here')).toBe('utf8 still here');
  });

  it('is gone after the close timeout, if it does not answer the close frame', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] });
    await start();
    const client = await TcpClient.upgrade(app.port);
    vi.advanceTimersByTime(READ_TIMEOUT + LOOK);
    await client.received('read timeout');
    expect(gateway.server.connections.size).toBe(1);
    vi.advanceTimersByTime(2_000);
    expect(await gateway.disconnects.take()).toBe('read-timeout');
    expect(gateway.server.connections.size).toBe(0);
  });
});

describe('a client stays connected by', () => {
  const heartbeat = '21';
  /** A request of 1 000 bytes, byte by byte. */
  const request = `82fe03e800000000${'7f'.padEnd(2_000, '00')}`;

  it.each<[string, (client: WireClient, n: number) => void]>([
    ['requests', (client) => client.send('echo', 'x')],
    ['signals', (client) => client.signal('nothing', 'x')],
    ['heartbeats', (client) => client.sendBytes(heartbeat)],
    ['pings', (client) => client.socket.ping()],
    ['pongs', (client) => client.socket.pong()],
    [
      'single bytes of one message',
      (client, n) => {
        // It must not answer a ping within the message.
        client.socket.pong = () => undefined;
        client.writeRaw(request.slice(2 * n, 2 * n + 2));
      },
    ],
  ])('%s', async (_what, send) => {
    await start();
    const [client, connection] = await connect();
    for (let n = 0; n < 30; n++) {
      const { bytesRead } = sockets[0]!;
      send(client, n);
      while (sockets[0]!.bytesRead === bytesRead) await passIo();
      vi.advanceTimersByTime(READ_TIMEOUT - LOOK);
    }
    expect(connection.isActive).toBe(true);
    vi.advanceTimersByTime(2 * LOOK);
    expect(await client.closed).toEqual({ code: 1001, reason: 'read timeout' });
  });
});

it('pings are answered with their payload', async () => {
  await start();
  const [client] = await connect();
  client.socket.ping('abc');
  const [answer] = (await once(client.socket, 'pong')) as [Buffer];
  expect(answer.toString()).toBe('abc');
});

describe('a client from which nothing arrives for half of readTimeout', () => {
  /** Lets a part of the read timeout pass, and the data of that time arrive on both sides. */
  async function pass(looks: number) {
    for (let look = 0; look < looks; look++) {
      vi.advanceTimersByTime(LOOK);
      await (await other).ask('echo', 'a round trip');
    }
  }
  let other: Promise<WireClient>;

  it('is pinged, and stays connected if it answers', async () => {
    await start();
    const [client, connection] = await connect();
    other = app.connect();
    let pings = 0;
    client.socket.on('ping', () => pings++);
    await pass(3);
    expect(pings).toBe(0);
    await pass(37);
    expect(pings).toBeGreaterThan(4);
    expect(pings).toBeLessThan(11);
    expect(connection.isActive).toBe(true);
  });

  it('is pinged, and cut after readTimeout if it does not answer', async () => {
    await start();
    const client = await WireClient.connect(app.url(), { autoPong: false });
    other = app.connect();
    let pings = 0;
    client.socket.on('ping', () => pings++);
    await pass(8);
    expect(pings).toBe(1);
    await pass(1);
    expect(await client.closed).toEqual({ code: 1001, reason: 'read timeout' });
  });

  it('is not pinged as long as something arrives', async () => {
    await start();
    const [client] = await connect();
    other = app.connect();
    let pings = 0;
    client.socket.on('ping', () => pings++);
    for (let n = 0; n < 8; n++) {
      await pass(3);
      await client.ask('echo', 'x');
    }
    expect(pings).toBe(0);
  });
});

describe('a client for which data waits', () => {
  const MESSAGE = 8_000;

  /** A client that has stopped reading, and for which more data waits than the systems buffer. */
  async function connectStalled(): Promise<[WireClient, WebwireConnection]> {
    await start({ maxBufferedAmount: 8 * 1024 * 1024 });
    const [client, connection] = await connect();
    client.socket.pause();
    while (connection.bufferedAmount < 4 * 1024 * 1024) {
      for (let n = 0; n < 100; n++) connection.signal('big', Buffer.alloc(MESSAGE));
      await passIo();
    }
    return [client, connection];
  }

  it('is disconnected when it reads nothing for readTimeout, even if it sends', async () => {
    const [client, connection] = await connectStalled();
    const other = await app.connect();
    for (let look = 0; look < 8; look++) {
      expect(connection.isActive).toBe(true);
      client.sendBytes('21');
      await other.ask('echo', 'a round trip');
      vi.advanceTimersByTime(LOOK);
    }
    vi.advanceTimersByTime(LOOK);
    expect(connection.isActive).toBe(false);
    expect(app.logger.at('warn')).toEqual([
      expect.stringMatching(/has taken nothing for the read timeout and is dropped: \d+ bytes wait for it/),
    ]);
    client.socket.terminate();
    expect(await gateway.disconnects.take()).toBe('backlog');
  });

  it('stays connected as long as it reads a little', async () => {
    const [client, connection] = await connectStalled();
    const other = await app.connect();
    const received: unknown[] = [];
    client.socket.on('message', (message) => received.push(message));
    for (let round = 0; round < 4; round++) {
      vi.advanceTimersByTime(7 * LOOK);
      client.sendBytes('21');
      // Systems pass on buffered data in large pieces.
      const enough = received.length + 400;
      client.socket.resume();
      while (received.length < enough && connection.bufferedAmount > 0) await passIo();
      client.socket.pause();
      while (connection.bufferedAmount > 0 && connection.bufferedAmount < 4 * 1024 * 1024) {
        for (let n = 0; n < 100; n++) connection.signal('big', Buffer.alloc(MESSAGE));
        await passIo();
      }
      await other.ask('echo', 'a round trip');
    }
    expect(connection.isActive).toBe(true);
    client.socket.terminate();
  });
});

describe('a client that the server does not read from', () => {
  /** Checks repeatedly until a condition holds. */
  async function lookUntil(condition: () => boolean) {
    while (!condition()) {
      vi.advanceTimersByTime(LOOK);
      await passIo();
    }
  }

  /** Messages that wait when the server stops reading. */
  const WAITING = 64;

  it('because handlers are at their limit is not taken for silent', async () => {
    await start({ concurrencyLimit: 1 });
    const [client, connection] = await connect();
    const isPaused = once(sockets[0]!, 'pause');
    client.send('slow');
    for (let n = 0; n < WAITING; n++) client.send('echo', 'waits');
    await isPaused;
    for (let n = 0; n < 100; n++) {
      vi.advanceTimersByTime(LOOK);
      await passIo();
    }
    expect(connection.isActive).toBe(true);
    gateway.work.resolve('done');
    expect(show(await client.next())).toBe('utf8 done');
    for (let n = 0; n < WAITING; n++) expect(show(await client.next())).toBe('utf8 waits');
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
    vi.advanceTimersByTime(READ_TIMEOUT + LOOK);
    expect(await client.closed).toEqual({ code: 1001, reason: 'read timeout' });
  });

  it('because handlers are at their limit is found to be gone, when it is', async () => {
    await start({ concurrencyLimit: 1 });
    const [client] = await connect();
    const isPaused = once(sockets[0]!, 'pause');
    client.send('until gone');
    for (let n = 0; n < WAITING; n++) client.send('echo', 'waits');
    await isPaused;
    const { abortSignal } = await gateway.started.take();
    client.send('echo', 'is not even read');
    client.socket.terminate();
    await lookUntil(() => abortSignal.aborted);
    expect(await gateway.disconnects.take()).toBe('connection-lost');
    expect(gateway.server.connections.size).toBe(0);
  });

  it('because it broke the protocol is found to be gone, when it is', async () => {
    await start();
    const [client] = await connect();
    client.send('until gone');
    const { abortSignal } = await gateway.started.take();
    client.sendBytes('');
    await app.logger.logged('warn', 'EMPTY_MESSAGE');
    client.send('echo', 'is not even read');
    client.socket.terminate();
    await lookUntil(() => abortSignal.aborted);
    expect(await gateway.disconnects.take()).toBe('violation');
  });
});

it('one timer watches all connections, and none when there are none', async () => {
  await start();
  expect(vi.getTimerCount()).toBe(0);
  const [[first], [second]] = [await connect(), await connect()];
  expect(vi.getTimerCount()).toBe(1);
  await first.close();
  await gateway.disconnects.take();
  expect(vi.getTimerCount()).toBe(1);
  await second.close();
  await gateway.disconnects.take();
  expect(vi.getTimerCount()).toBe(0);
  await connect();
  expect(vi.getTimerCount()).toBe(1);
  await app.close();
  expect(vi.getTimerCount()).toBe(0);
});

it('the shortest and the longest read timeout can be used', async () => {
  vi.useRealTimers();
  await start({ readTimeout: 1 });
  const brief = await WireClient.connect(app.url(), { autoPong: false });
  expect(await brief.closed).toEqual({ code: 1001, reason: 'read timeout' });
  await app.close();
  await start({ readTimeout: 2 ** 32 - 1 });
  const [client] = await connect();
  expect(await client.ask('echo', 'x')).toBe('utf8 x');
});
