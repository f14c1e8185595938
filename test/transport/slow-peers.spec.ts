import { WebwireConnection, WebwireGateway, WebwireModule, type DisconnectReason } from 'nestjs-webwire';
import type { Server } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { setImmediate as passIo } from 'node:timers/promises';
import { connect as connectSecurely } from 'node:tls';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { bytesTaken } from '../../lib/transport/ws/writing/bytes-taken.js';
import { ca, tls } from '../support/certificate.js';
import { Queue } from '../support/queue.js';
import { UPGRADE } from '../support/tcp-client.js';
import { TestApp } from '../support/test-app.js';

/** The server checks eight times per read timeout. */
const CHECK = 1_000;
const READ_TIMEOUT = 8 * CHECK;
const CLOSE_TIMEOUT = 2_000;

/** A frame with the message Heartbeat: 0x82 · masked length(1) · mask(4) · message. */
const HEARTBEAT = Buffer.from('82810000000021', 'hex');

/** More than the operating system buffers. */
const SIZE = 48 * 1024 * 1024;

@WebwireGateway()
class Gateway {
  readonly opened = new Queue<WebwireConnection>();
  readonly reasons = new Queue<DisconnectReason>();
  handleConnection(connection: WebwireConnection) {
    this.opened.push(connection);
  }
  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.reasons.push(reason);
  }
}

/** A client that reads only when it is told to, and answers nothing. */
class SlowPeer {
  received = Buffer.alloc(0);
  count = 0;
  constructor(
    readonly app: TestApp,
    readonly socket: Socket,
    /** The server's end. */
    readonly serverSocket: Socket,
    readonly connection: WebwireConnection,
  ) {}

  /** Reads until the operating system has taken more from the server. */
  async takeALittle(): Promise<void> {
    const before = bytesTaken(this.serverSocket);
    while (bytesTaken(this.serverSocket) === before) await this.#read();
  }

  /** Reads to the end. Returns the last bytes, in hex. */
  async takeAll(): Promise<string> {
    while (!this.socket.readableEnded) await this.#read();
    return this.received.toString('hex');
  }

  async #read(): Promise<void> {
    const bytes = this.socket.read() as Buffer | null;
    this.count += bytes?.length ?? 0;
    if (bytes) this.received = Buffer.from(bytes.subarray(-4));
    await passIo();
  }
}

afterEach(() => vi.useRealTimers());

describe.each([
  ['a TCP connection', false],
  ['a TLS connection', true],
])('a client that takes a large message slowly over %s', (_, isSecure) => {
  async function connect(): Promise<SlowPeer> {
    const options = { readTimeout: READ_TIMEOUT, messageBufferSize: 2 * SIZE, maxBufferedAmount: 2 * SIZE };
    const app = await TestApp.startWithout(
      { imports: [WebwireModule.forRoot(options)], providers: [Gateway] },
      undefined,
      isSecure ? { httpsOptions: tls } : {},
    );
    onTestFinished(() => app.close());
    const sockets = new Queue<Socket>();
    (app.app.getHttpServer() as Server).on(isSecure ? 'secureConnection' : 'connection', (end: Socket) =>
      sockets.push(end),
    );
    const target = { host: '127.0.0.1', port: app.port };
    const socket = isSecure ? connectSecurely({ ...target, ca }) : connectTcp(target);
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => undefined).on('readable', () => undefined);
    socket.write(UPGRADE);
    return new SlowPeer(app, socket, await sockets.take(), await app.get(Gateway).opened.take());
  }

  it('stays connected', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const peer = await connect();
    peer.connection.signal('large', Buffer.alloc(SIZE));
    for (let check = 0; check < 12; check++) {
      peer.socket.write(HEARTBEAT);
      await peer.takeALittle();
      vi.advanceTimersByTime(CHECK);
    }
    expect(peer.count).toBeLessThan(SIZE);
    expect(peer.connection.isActive).toBe(true);
  });

  it('gets all of it when the connection is closed', async () => {
    const peer = await connect();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    peer.connection.signal('large', Buffer.alloc(SIZE));
    void peer.connection.close();
    for (let check = 0; check < 3; check++) {
      await peer.takeALittle();
      vi.advanceTimersByTime(CLOSE_TIMEOUT);
    }
    expect(peer.serverSocket.destroyed).toBe(false);
    const all = peer.takeAll();
    while (bytesTaken(peer.serverSocket) < SIZE || peer.serverSocket.writableLength > 0) await passIo();
    vi.advanceTimersByTime(2 * CLOSE_TIMEOUT);
    expect(await all).toBe('880203e8');
    expect(peer.count).toBeGreaterThan(SIZE);
  });

  it('is cut at the read timeout when the connection is closed', async () => {
    const peer = await connect();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    peer.connection.signal('large', Buffer.alloc(SIZE));
    void peer.connection.close();
    for (let time = 0; time < READ_TIMEOUT; time += CLOSE_TIMEOUT) {
      expect(peer.serverSocket.destroyed).toBe(false);
      await peer.takeALittle();
      vi.advanceTimersByTime(CLOSE_TIMEOUT);
    }
    expect(peer.serverSocket.destroyed).toBe(true);
    expect(await peer.app.get(Gateway).reasons.take()).toBe('server-close');
  });
});
