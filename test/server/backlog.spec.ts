import { MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  type DisconnectReason,
  type WebwireModuleOptions,
  type WebwireServer,
} from 'nestjs-webwire';
import { setImmediate as passIo } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Queue } from '../support/queue.js';
import { TcpClient } from '../support/tcp-client.js';
import { TestApp } from '../support/test-app.js';
import { describe as show, type WireClient } from '../support/wire-client.js';

const MESSAGE = 8_000;
const MAX = 100_000;
/** Bytes that one tick gathers before a write, and the message that is sent last. */
const SLACK = 64 * 1024 + 2 * MESSAGE;
const CLOSE_TIMEOUT = 2_000;

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly connections: WebwireConnection[] = [];
  readonly disconnects = new Queue<DisconnectReason>();

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.disconnects.push(reason);
  }
  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest('repeat') repeat(connection: WebwireConnection) {
    connection.signal('big', Buffer.alloc(MESSAGE));
    connection.signal('big', Buffer.alloc(MESSAGE));
    return Buffer.alloc(MESSAGE);
  }
}

let app: TestApp;
let gateway: Gateway;

async function start(options: WebwireModuleOptions = {}) {
  app = await TestApp.start({ providers: [Gateway] }, { maxBufferedAmount: MAX, ...options });
  gateway = app.get(Gateway);
}

/** A client that has stopped reading, and the server's side of it. */
async function connectSlow(): Promise<[WireClient, WebwireConnection]> {
  const client = await app.connect();
  client.socket.pause();
  return [client, gateway.connections.at(-1)!];
}

/** Sends signals until the connection refuses one; returns the largest amount that waited. */
async function flood(connection: WebwireConnection): Promise<number> {
  let most = 0;
  while (connection.signal('big', Buffer.alloc(MESSAGE))) {
    await passIo();
    most = Math.max(most, connection.bufferedAmount);
  }
  return most;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(async () => {
  vi.useRealTimers();
  await app.close();
});

describe('a client that does not read', () => {
  it('is disconnected when too many signals wait for it, and gets the close code when it reads again', async () => {
    await start();
    const [client, connection] = await connectSlow();
    const other = await app.connect();
    const most = await flood(connection);
    expect(most).toBeGreaterThan(MAX);
    expect(most).toBeLessThan(MAX + SLACK);
    expect(connection.isActive).toBe(false);
    expect(connection.signal('one', 'more')).toBe(false);
    expect(app.logger.at('warn')).toEqual([expect.stringMatching(/reads too slowly and is dropped: \d{6} bytes wait/)]);
    expect(await other.ask('echo', 'unaffected')).toBe('utf8 unaffected');
    client.socket.resume();
    expect(await client.closed).toEqual({ code: 1013, reason: 'reads too slowly' });
    expect(await gateway.disconnects.take()).toBe('backlog');
    expect(app.logger.at('warn')).toHaveLength(1);
  });

  it('is disconnected when too many pongs wait for it', async () => {
    await start();
    const [client, connection] = await connectSlow();
    while (connection.isActive) {
      for (let n = 0; n < 500; n++) client.socket.ping(Buffer.alloc(125));
      await passIo();
    }
    expect(connection.bufferedAmount).toBeLessThan(MAX + SLACK);
    client.socket.resume();
    expect(await client.closed).toEqual({ code: 1013, reason: 'reads too slowly' });
    expect(await gateway.disconnects.take()).toBe('backlog');
  });

  it('is gone after the close timeout, if it never reads again', async () => {
    await start();
    const [, connection] = await connectSlow();
    await flood(connection);
    vi.advanceTimersByTime(CLOSE_TIMEOUT);
    expect(await gateway.disconnects.take()).toBe('backlog');
    expect(gateway.server.connections.size).toBe(0);
    expect(connection.signal('nobody', 'there')).toBe(false);
  });

  it('is gone after the close timeout, if it has ended its side of the connection', async () => {
    await start({ maxBufferedAmount: 1024 * 1024 });
    const client = await TcpClient.upgrade(app.port);
    client.socket.pause();
    const connection = gateway.connections.at(-1)!;
    while (connection.bufferedAmount === 0) {
      connection.signal('big', Buffer.alloc(MESSAGE));
      await passIo();
    }
    client.socket.end();
    while (connection.signal('is the end seen?')) await passIo();
    expect(gateway.server.connections.size).toBe(1);
    vi.advanceTimersByTime(CLOSE_TIMEOUT);
    expect(await gateway.disconnects.take()).toBe('connection-lost');
    expect(gateway.server.connections.size).toBe(0);
  });

  it('does not delay the end of the application', async () => {
    await start({ maxBufferedAmount: 1024 * 1024 });
    const [, connection] = await connectSlow();
    while (connection.bufferedAmount === 0) {
      connection.signal('big', Buffer.alloc(MESSAGE));
      await passIo();
    }
    const closed = app.app.close();
    while (gateway.server.connections.size > 0) {
      vi.advanceTimersByTime(CLOSE_TIMEOUT);
      await passIo();
    }
    await closed;
    expect(await gateway.disconnects.take()).toBe('shutdown');
    expect(app.logger.at('warn')).toEqual([]);
  });
});

describe('a client that reads', () => {
  it('gets a message above the limit if no data waits', async () => {
    await start({ maxBufferedAmount: 0 });
    const client = await app.connect();
    const [connection] = gateway.connections;
    expect(connection!.bufferedAmount).toBe(0);
    for (let n = 0; n < 20; n++) {
      client.send('repeat');
      const messages = [await client.next(), await client.next(), await client.next()];
      expect(messages.map(({ type }) => type)).toEqual([63, 63, 191]);
    }
    expect(connection!.bufferedAmount).toBe(0);
  });

  it('stays connected, even with a lot of data in total', async () => {
    await start();
    const client = await app.connect();
    const [connection] = gateway.connections;
    for (let n = 0; n < 500; n++) {
      expect(connection!.signal('n', String(n))).toBe(true);
      connection!.signal('big', Buffer.alloc(MESSAGE));
      expect(show(await client.next())).toBe(`signal n utf8 ${n}`);
      await client.next();
    }
  });
});

it('pings while the server closes are no backlog', async () => {
  await start({ maxBufferedAmount: 0 });
  const client = await app.connect();
  const [connection] = gateway.connections;
  client.socket.pause();
  void connection!.close();
  for (let n = 0; n < 100; n++) client.socket.ping(Buffer.alloc(125));
  await (await app.connect()).ask('echo', 'a round trip');
  client.socket.resume();
  expect(await client.closed).toEqual({ code: 1000, reason: '' });
  expect(await gateway.disconnects.take()).toBe('server-close');
  expect(app.logger.at('warn')).toEqual([]);
});
