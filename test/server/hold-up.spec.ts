import { MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireSignal,
  type DisconnectReason,
  type WebwireModuleOptions,
  type WebwireServer,
} from 'nestjs-webwire';
import { decodeMessage, MessageType, type EncodableMessage } from 'nestjs-webwire/protocol';
import { once } from 'node:events';
import { setImmediate as passIo } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { ServerSocket } from '../support/server-socket.js';
import { SlowLink } from '../support/slow-link.js';
import { TestApp } from '../support/test-app.js';
import { describe as show, WireClient } from '../support/wire-client.js';

const SIZE = 8_000;
const MAX = 100_000;
/** A reply with its frame header. */
const REPLY = 4 + 9 + SIZE;

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly connections: WebwireConnection[] = [];
  readonly disconnects = new Queue<DisconnectReason>();
  readonly work = deferred();
  readonly notes: string[] = [];
  started = 0;
  most = 0;

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.disconnects.push(reason);
  }
  @WebwireRequest('big') big(connection: WebwireConnection) {
    this.started++;
    this.most = Math.max(this.most, connection.bufferedAmount);
    return Buffer.alloc(SIZE, this.started);
  }
  @WebwireRequest('big later') async bigLater() {
    this.started++;
    await this.work.promise;
    return Buffer.alloc(SIZE);
  }
  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
  @WebwireSignal('note') note(@MessageBody() body: string) {
    this.notes.push(body);
  }
}

let app: TestApp;
let gateway: Gateway;

async function start(options: WebwireModuleOptions = {}) {
  app = await TestApp.start({ providers: [Gateway] }, { maxBufferedAmount: MAX, ...options });
  gateway = app.get(Gateway);
}

/** A client that gets no data until the server's end is uncorked. */
async function connectCorked(): Promise<[ServerSocket, WebwireConnection]> {
  const peer = await ServerSocket.connect(app);
  peer.socket.cork();
  return [peer, gateway.connections.at(-1)!];
}

function request(name: string, n = 0): EncodableMessage {
  const id = Buffer.alloc(8);
  id.writeUInt32LE(n);
  return { type: MessageType.RequestBinary, id, name, payload: Buffer.alloc(1) };
}

function requests(count: number, name = 'big'): EncodableMessage[] {
  return Array.from({ length: count }, (_, n) => request(name, n));
}

/** The question for the extension "cancel". */
function question(): EncodableMessage {
  const payload = Buffer.from('{"extensions":["cancel"]}');
  return { type: MessageType.RequestUtf8, id: Buffer.alloc(8), name: 'wwr:extensions', payload };
}

function cancellation(n: number): EncodableMessage {
  const id = Buffer.alloc(8);
  id.writeUInt32LE(n);
  return { type: MessageType.SignalBinary, name: `wwr:cancel:${id.toString('hex')}`, payload: new Uint8Array() };
}

/** Identifiers of the next replies. */
async function takeIds({ client }: ServerSocket, count: number): Promise<number[]> {
  const ids = [];
  while (ids.length < count) ids.push((await client.nextBytes()).readUInt32LE(1));
  return ids;
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

afterEach(() => app.close());

describe('while more than maxBufferedAmount bytes wait for a client', () => {
  it('no handlers are started for it, even within one read', async () => {
    await start();
    const [peer, connection] = await connectCorked();
    peer.receive(...requests(120));
    const enough = Math.floor(MAX / REPLY) + 1;
    expect(gateway.started).toBe(enough);
    expect(connection.bufferedAmount).toBeLessThanOrEqual(MAX + REPLY);
    expect(peer.socket.isPaused()).toBe(true);
    peer.socket.uncork();
    expect(await takeIds(peer, 120)).toEqual(numbers(120));
    expect(gateway.most).toBeLessThanOrEqual(MAX + REPLY);
    expect(await peer.client.ask('echo', 'x')).toBe('utf8 x');
  });

  it('others are served', async () => {
    await start();
    const [peer] = await connectCorked();
    peer.receive(...requests(120));
    expect(await (await app.connect()).ask('echo', 'unaffected')).toBe('utf8 unaffected');
    peer.socket.uncork();
  });

  it('no more is read from it when it cancels all that waits', async () => {
    await start();
    const [peer, connection] = await connectCorked();
    const canceled = numbers(60).slice(Math.floor(MAX / REPLY) + 1);
    peer.receive(question(), ...requests(60), ...canceled.map(cancellation));
    expect(gateway.started).toBe(60 - canceled.length);
    expect(connection.bufferedAmount).toBeLessThan(MAX + 2 * REPLY);
    expect(peer.socket.isPaused()).toBe(true);
    peer.socket.uncork();
    await takeIds(peer, 1 + 60);
    expect(await peer.client.ask('echo', 'x')).toBe('utf8 x');
  });

  it('its first question for extensions is answered, and what it cancels next is canceled', async () => {
    await start();
    const [peer] = await connectCorked();
    peer.receive(request('big later', 500), ...requests(120), question(), cancellation(500));
    peer.socket.uncork();
    const replies = new Set((await takeIds(peer, 122)).toSorted((a, b) => a - b));
    expect(replies).toEqual(new Set([...numbers(120), 500]));
    gateway.work.resolve();
  });

  it('handlers that run already reply', async () => {
    await start();
    const [peer, connection] = await connectCorked();
    peer.receive(...requests(120, 'big later'));
    expect(gateway.started).toBe(120);
    gateway.work.resolve();
    while (connection.bufferedAmount < 120 * REPLY) await passIo();
    expect(connection.isActive).toBe(true);
    expect(connection.signal('one', 'signal more')).toBe(true);
    peer.receive(...requests(1));
    expect(gateway.started).toBe(120);
    peer.socket.uncork();
    expect((await takeIds(peer, 120)).toSorted((a, b) => a - b)).toEqual(numbers(120));
    expect(show(await peer.client.next())).toBe('signal one utf8 signal more');
    expect(await takeIds(peer, 1)).toEqual([0]);
  });

  it('signals beyond maxBufferedAmount on top of the replies disconnect it', async () => {
    await start();
    const [peer, connection] = await connectCorked();
    peer.receive(...requests(120));
    const before = connection.bufferedAmount;
    while (connection.signal('big', Buffer.alloc(SIZE)));
    expect(connection.bufferedAmount).toBeGreaterThan(before + MAX);
    expect(connection.bufferedAmount).toBeLessThan(before + MAX + 2 * REPLY);
    expect(app.logger.at('warn')).toEqual([expect.stringContaining('reads too slowly')]);
    peer.socket.uncork();
    expect(await peer.client.closed).toEqual({ code: 1013, reason: 'reads too slowly' });
    expect(await gateway.disconnects.take()).toBe('backlog');
  });

  it('small messages of many turns wait for it together, and not as a write each', async () => {
    await start();
    const [peer, connection] = await connectCorked();
    for (let n = 0; n < 3; n++) connection.signal('big', Buffer.alloc(SIZE));
    for (let n = 0; n < 1_000; n++) {
      connection.signal('small', String(n));
      await passIo();
    }
    peer.writes.length = 0;
    peer.socket.uncork();
    for (let n = 0; n < 3; n++) await peer.client.next();
    for (let n = 0; n < 1_000; n++) expect(show(await peer.client.next())).toBe(`signal small utf8 ${n}`);
    expect(peer.writes.flat().length).toBeLessThan(10);
  });

  it('its last ping is answered later, and does not disconnect it', async () => {
    await start();
    const [peer] = await connectCorked();
    peer.receive(...requests(120));
    // Masked pings with the text "1", "2" and "3".
    for (const digit of ['31', '32', '33']) peer.socket.emit('data', Buffer.from(`898100000000${digit}`, 'hex'));
    peer.socket.uncork();
    const pongs: string[] = [];
    peer.client.socket.on('pong', (data: Buffer) => pongs.push(data.toString()));
    expect(await takeIds(peer, 120)).toEqual(numbers(120));
    await peer.client.ask('echo', 'a round trip');
    expect(pongs).toEqual(['3']);
    expect(app.logger.at('warn')).toEqual([]);
  });

  it('waiting messages are dropped when the application closes the connection, and replies are still sent', async () => {
    await start();
    const [peer, connection] = await connectCorked();
    peer.receive(...requests(120));
    const { started } = gateway;
    void connection.close();
    peer.socket.uncork();
    expect(await takeIds(peer, started)).toEqual(numbers(started));
    expect(await peer.client.closed).toEqual({ code: 1000, reason: '' });
    expect(gateway.started).toBe(started);
  });

  it('waiting messages are dropped when the client breaks the protocol, and replies are still sent', async () => {
    await start();
    const [peer] = await connectCorked();
    peer.receive(...requests(120));
    const { started } = gateway;
    // A frame without a mask.
    peer.socket.emit('data', Buffer.from('820100', 'hex'));
    peer.socket.uncork();
    expect(await takeIds(peer, started)).toEqual(numbers(started));
    expect(await peer.client.closed).toEqual({ code: 1002, reason: 'INVALID_FRAME' });
    expect(gateway.started).toBe(started);
  });

  it('waiting messages are refused when the server shuts down, and replies are still sent', async () => {
    await start();
    const [peer] = await connectCorked();
    peer.receive(...requests(100));
    const { started } = gateway;
    const shutdown = gateway.server.shutdown();
    peer.socket.uncork();
    const types = [];
    while (types.length < 100) types.push(decodeMessage(await peer.client.nextBytes()).type);
    expect(types.slice(0, started)).toEqual(numbers(started).map(() => MessageType.ReplyBinary));
    expect(types.slice(started)).toEqual(numbers(100 - started).map(() => MessageType.ReplyShutdown));
    await shutdown;
    expect(await peer.client.closed).toEqual({
      code: 1001,
      reason: 'server shutting down after all replies',
    });
  });

  it('a server that shuts down does not fill the memory with refusals', async () => {
    await start({ maxBufferedAmount: 1_000 });
    const [peer, connection] = await connectCorked();
    peer.receive(request('big later', 1));
    const shutdown = gateway.server.shutdown();
    for (let n = 0; n < 10; n++) peer.receive(...requests(100));
    expect(connection.bufferedAmount).toBeLessThan(1_100);
    peer.socket.uncork();
    expect(await takeIds(peer, 1_000)).toEqual(numbers(10).flatMap(() => numbers(100)));
    gateway.work.resolve();
    await shutdown;
  });

  it('signals of the client wait in order with its requests', async () => {
    await start();
    const [peer] = await connectCorked();
    const note = (body: string): EncodableMessage => ({
      type: MessageType.SignalUtf8,
      name: 'note',
      payload: Buffer.from(body),
    });
    peer.receive(note('first'), ...requests(40), note('last'));
    expect(gateway.notes).toEqual(['first']);
    peer.socket.uncork();
    await takeIds(peer, 40);
    expect(await peer.client.ask('echo', 'x')).toBe('utf8 x');
    expect(gateway.notes).toEqual(['first', 'last']);
  });
});

it.each([0, 1, 20_000, 70_000])(
  'a limit of %i bytes, less than a socket buffers, blocks no client for ever',
  async (max) => {
    await start({ maxBufferedAmount: max });
    const [peer] = await connectCorked();
    peer.receive(...requests(30));
    peer.socket.uncork();
    expect(await takeIds(peer, 30)).toEqual(numbers(30));
  },
);

it.each([1, Infinity])(
  'a client behind a slow link gets 1 000 replies of 8 kB, %d at a time',
  async (concurrencyLimit) => {
    await start({ concurrencyLimit, maxBufferedAmount: undefined });
    const link = await SlowLink.start(app.port);
    const client = await WireClient.connect(`ws://127.0.0.1:${link.port}/`);
    try {
      for (let n = 0; n < 1_000; n++) client.sendBytes(Buffer.from('7f000000000000000103626967', 'hex'));
      const received: unknown[] = [];
      client.socket.on('message', (message) => received.push(message));
      while (received.length < 1_000) {
        link.pass(64 * 1024);
        await Promise.race([once(client.socket, 'message'), passIo()]);
      }
      expect(await client.next()).toMatchObject({ type: MessageType.ReplyBinary });
      expect(gateway.most).toBeLessThanOrEqual(1024 * 1024 + REPLY);
      expect(gateway.disconnects.rest).toEqual([]);
    } finally {
      client.socket.terminate();
      await link.close();
    }
  },
);
