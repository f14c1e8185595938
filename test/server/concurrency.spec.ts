import { UseInterceptors } from '@nestjs/common';
import { MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  MemorySessionManager,
  SessionManager,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireServer,
  WebwireSignal,
  WsTransport,
  type DisconnectReason,
  type Message,
  type Transport,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { decodeMessage } from 'nestjs-webwire/protocol';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { describe as show, type WireClient } from '../support/wire-client.js';

const passOn = { intercept: (_context: unknown, next: { handle(): never }) => next.handle() };

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  /** Bodies of the messages whose handlers have started, in order. */
  readonly started = new Queue<string>();
  readonly disconnects = new Queue<DisconnectReason>();
  readonly #endings = new Map<string, () => void>();
  running = 0;
  most = 0;
  #isOver = false;

  @WebwireRequest('slow') async slow(@MessageBody() body: string) {
    await this.#run(body);
    return body;
  }
  @UseInterceptors(passOn)
  @WebwireRequest('enhanced')
  async enhanced(@MessageBody() body: string) {
    return this.slow(body);
  }
  @WebwireSignal('slow') async slowSignal(@MessageBody() body: string) {
    await this.#run(body);
  }
  @WebwireRequest('sync') sync(@MessageBody() body: string) {
    this.started.push(body);
    return body;
  }
  @WebwireSignal('sync') syncSignal(connection: WebwireConnection, body: string) {
    this.started.push(body);
    connection.signal('ack', body);
  }
  @WebwireRequest('big') big(@WebwireMessage() { payload }: Message) {
    return payload.bytes.subarray(0, 4);
  }
  @WebwireRequest('sign in') async signIn(connection: WebwireConnection) {
    await connection.createSession({ user: 'Ada' });
    return connection.session!.key;
  }
  @WebwireRequest('whoami') whoami({ session }: WebwireConnection) {
    return session?.info?.user ?? 'nobody';
  }
  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.disconnects.push(reason);
  }

  /** Lets the handler of a message end. */
  end(body: string) {
    this.#endings.get(body)!();
  }

  /** Lets all handlers end, including those that start later, so that the application does not wait for them. */
  endAll() {
    this.#isOver = true;
    for (const end of this.#endings.values()) end();
  }

  async #run(body: string) {
    this.most = Math.max(this.most, ++this.running);
    const ended = deferred();
    this.#endings.set(body, () => ended.resolve());
    this.started.push(body);
    if (!this.#isOver) await ended.promise;
    this.running--;
  }
}

class SlowSessions extends SessionManager {
  readonly found = deferred();
  async onSessionCreated() {}
  async onSessionClosed() {}
  async onSessionLookup() {
    await this.found.promise;
    return null;
  }
}

let app: TestApp;
let gateway: Gateway;
let client: WireClient;
/** The server's end of the client's TCP connection. */
let socket: Socket;

async function start(options: WebwireModuleOptions = {}) {
  app = await TestApp.start(
    { providers: [Gateway] },
    { sessions: { manager: new MemorySessionManager() }, shutdownTimeout: 500, ...options },
  );
  gateway = app.get(Gateway);
  const connected = once(app.app.getHttpServer() as Server, 'connection');
  client = await app.connect();
  [socket] = (await connected) as [Socket];
}

/** The next messages that the client gets. */
async function take(count: number): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  while (messages.length < count) messages.push(await client.nextBytes());
  return messages;
}

/** Sends several messages in one write, so that the server reads them all at once. */
function together(send: () => void) {
  const { _socket: tcp } = client.socket as unknown as { _socket: Socket };
  tcp.cork();
  send();
  tcp.uncork();
}

afterEach(async () => {
  gateway.endAll();
  await app.close();
});

/** Messages that wait when the server stops reading. */
const WAITING = 64;

async function expectLimit(limit: number) {
  const count = limit + WAITING;
  const isPaused = once(socket, 'pause');
  together(() => {
    for (let n = 0; n < count; n++) client.send('slow', String(n));
  });
  await isPaused;
  expect(gateway.running).toBe(limit);
  for (let n = 0; n < count; n++) {
    await gateway.started.take((body) => body === String(n));
    gateway.end(String(n));
    expect(show(await client.next())).toBe(`utf8 ${n}`);
  }
}

describe('the limit of handlers at once', () => {
  it('can be set for the module', async () => {
    await start({ concurrencyLimit: 2 });
    await expectLimit(2);
  });

  it('can be set for a gateway by configuration', async () => {
    await start({ concurrencyLimit: 5, gateways: { Gateway: { concurrencyLimit: 3 } } });
    await expectLimit(3);
  });

  it('can be set for a connection in its handshake', async () => {
    /** Sets the limit of each client in its handshake. */
    class Fair implements Transport {
      readonly #webSockets = new WsTransport();
      listen(server: WebwireServer, target: Parameters<Transport['listen']>[1]) {
        const admit = server.admit.bind(server);
        server.admit = (request, address, connect) =>
          admit(request, address, (handshake) => {
            handshake.concurrencyLimit = request.url === '/?one' ? 1 : 4;
            connect(handshake);
          });
        return this.#webSockets.listen(server, target);
      }
    }
    await start({ concurrencyLimit: 2, transport: new Fair() });
    await expectLimit(4);
    const connected = once(app.app.getHttpServer() as Server, 'connection');
    client = await app.connect('/?one');
    [socket] = (await connected) as [Socket];
    await expectLimit(1);
  });

  it('applies to each connection', async () => {
    await start({ concurrencyLimit: 1 });
    client.send('slow', 'held up');
    await gateway.started.take();
    expect(await (await app.connect()).ask('sync', 'not held up')).toBe('utf8 not held up');
    gateway.end('held up');
  });

  it('holds for handlers of every kind', async () => {
    await start({ concurrencyLimit: 3 });
    const bodies = Array.from({ length: 12 }, (_, n) => String(n));
    for (const body of bodies) {
      if (Number(body) % 3 === 0) client.send('slow', body);
      else if (Number(body) % 3 === 1) client.send('enhanced', body);
      else client.signal('slow', body);
    }
    for (const body of bodies) {
      await gateway.started.take((started) => started === body);
      gateway.end(body);
    }
    const replies = (await take(8)).map((reply) => show(decodeMessage(reply)));
    const answered = bodies.filter((body) => Number(body) % 3 !== 2).map((body) => `utf8 ${body}`);
    expect(replies.toSorted()).toEqual(answered.toSorted());
    expect(gateway.most).toBe(3);
  });

  it('keeps requests, signals and requests for sessions in order', async () => {
    await start({ concurrencyLimit: 1 });
    const key = (await client.ask('sign in')) === 'type 21' ? show(await client.next()).slice('utf8 '.length) : '';
    client = await app.connect();
    client.send('slow', 'first');
    client.signal('sync', 'second');
    client.send('whoami');
    client.sendBytes(`200000000000000003${Buffer.from(key).toString('hex')}`);
    client.send('whoami');
    client.sendBytes('1f0000000000000005');
    client.send('whoami');
    await gateway.started.take((body) => body === 'first');
    expect(gateway.started.rest).toEqual([]);
    gateway.end('first');
    expect(show(await client.next())).toBe('utf8 first');
    expect(show(await client.next())).toBe('signal ack utf8 second');
    expect(show(await client.next())).toBe('utf8 nobody');
    expect(show(await client.next())).toContain(key);
    expect(show(await client.next())).toBe('utf8 Ada');
    expect((await client.nextBytes()).toString('hex')).toBe('bf0000000000000005');
    expect(show(await client.next())).toBe('utf8 nobody');
  });

  it('handles thousands of waiting messages whose handlers end at once', async () => {
    await start({ concurrencyLimit: 1 });
    together(() => {
      client.send('slow', 'first');
      for (let n = 0; n < 2_500; n++) client.send('sync', `${n}`);
    });
    await once(socket, 'pause');
    gateway.end('first');
    expect(show(await client.next())).toBe('utf8 first');
    const numbers = Array.from({ length: 2_500 }, (_, n) => `utf8 ${n}`);
    expect((await take(2_500)).map((reply) => show(decodeMessage(reply)))).toEqual(numbers);
  });
});

describe('a client that sends more than is handled', () => {
  const MESSAGES = 3_000;
  const SIZE = 8_000;
  // Bun reads up to 512 KiB at once, Node.js 64 KiB.
  const QUEUED = (process.versions.bun ? 2 : 1) * 1024 * 1024;

  /** Waits long enough for a server without a limit to read far more. */
  async function letTheServerRead() {
    const other = await app.connect();
    for (let n = 0; n < 50; n++) await other.ask('sync', 'a round trip');
  }

  it('has to wait: the server stops reading, and later answers all messages once and in order', async () => {
    await start({ concurrencyLimit: 1 });
    client.send('slow', 'first');
    for (let n = 0; n < MESSAGES; n++) {
      const body = Buffer.alloc(SIZE);
      body.writeUInt32BE(n);
      client.sendBytes(Buffer.concat([Buffer.from('7f000000000000000103626967', 'hex'), body]));
    }
    await once(socket, 'pause');
    await letTheServerRead();
    expect(client.socket.bufferedAmount).toBeGreaterThan(0);
    expect(socket.bytesRead).toBeLessThan(QUEUED);
    gateway.end('first');
    expect(show(await client.next())).toBe('utf8 first');
    const numbers = Array.from({ length: MESSAGES }, (_, n) => n);
    expect((await take(MESSAGES)).map((reply) => reply.readUInt32BE(9))).toEqual(numbers);
    expect(await client.ask('sync', 'no more')).toBe('utf8 no more');
  });

  it('has to wait for its sessions too, without any limit', async () => {
    const manager = new SlowSessions();
    await start({ sessions: { manager } });
    const restore = Buffer.concat([Buffer.from('200000000000000001', 'hex'), Buffer.alloc(SIZE, 'x')]);
    const unknown = Buffer.concat([Buffer.from('200000000000000001', 'hex'), Buffer.from('unknown')]);
    client.sendBytes(unknown);
    for (let n = 0; n < MESSAGES; n++) client.sendBytes(restore);
    await once(socket, 'pause');
    await letTheServerRead();
    expect(socket.bytesRead).toBeLessThan(QUEUED);
    manager.found.resolve();
    const replies = await take(MESSAGES + 1);
    expect(new Set(replies.map((reply) => reply.toString('hex')))).toEqual(new Set(['030000000000000001']));
    expect(await client.ask('sync', 'no more')).toBe('utf8 no more');
  });
});

describe('a connection at its limit', () => {
  it('is read again as soon as fewer than 64 messages wait', async () => {
    await start({ concurrencyLimit: 1 });
    const isPaused = once(socket, 'pause');
    together(() => {
      for (let n = 0; n <= WAITING; n++) client.send('slow', String(n));
    });
    await isPaused;
    expect(socket.isPaused()).toBe(true);
    const isResumed = once(socket, 'resume');
    gateway.end('0');
    await isResumed;
    expect(await client.ask('wwr:extensions', '{"extensions":["cancel"]}')).toBe('utf8 0');
    expect(show(await client.next())).toMatch(/^utf8 \{/);
    for (let n = 1; n <= WAITING; n++) {
      await gateway.started.take((body) => body === String(n));
      gateway.end(String(n));
      await client.next();
    }
    expect(await client.ask('sync', 'x')).toBe('utf8 x');
  });

  it('is not read while 16 of the largest messages wait', async () => {
    await start({ concurrencyLimit: 1, messageBufferSize: 1_024 });
    client.send('slow', 'runs');
    const isPaused = once(socket, 'pause');
    for (let n = 0; n < 17; n++) client.send('sync', 'x'.repeat(1_000));
    await isPaused;
    gateway.end('runs');
    for (let n = 0; n < 18; n++) await client.next();
    expect(await client.ask('sync', 'x')).toBe('utf8 x');
  });

  it('answers pings and takes cancellations', async () => {
    await start({ concurrencyLimit: 1 });
    expect(await client.ask('wwr:extensions', '{"extensions":["cancel","ping"]}')).toMatch(/^utf8 /);
    client.send('slow', 'runs');
    client.send('sync', 'waits');
    client.send('sync', 'waits longer');
    expect(await client.ask('wwr:ping')).toBe('binary');
    client.signal('wwr:cancel:0300000000000000', 'x');
    expect(show(await client.next())).toMatch(/^error CANCELED/);
    gateway.end('runs');
    expect((await take(2)).map((bytes) => show(decodeMessage(bytes)))).toEqual(['utf8 runs', 'utf8 waits longer']);
  });

  it('sends that it is busy when it is not read, if the client asked for pings', async () => {
    await start({ concurrencyLimit: 1 });
    expect(await client.ask('wwr:extensions', '{"extensions":["ping"]}')).toMatch(/^utf8 /);
    for (let n = 0; n <= WAITING; n++) client.send('slow', String(n));
    expect(show(await client.next())).toBe('signal wwr:busy binary ');
  });

  it('sends that it is busy also if the client asks while it is not read', async () => {
    await start({ concurrencyLimit: 1 });
    together(() => {
      for (let n = 0; n <= WAITING; n++) client.send('slow', String(n));
      client.send('wwr:extensions', '{"extensions":["ping"]}');
    });
    expect(show(await client.next())).toMatch(/^utf8 {"ext/);
    expect(show(await client.next())).toBe('signal wwr:busy binary ');
  });

  it('does not send it to others', async () => {
    await start({ concurrencyLimit: 1 });
    const isPaused = once(socket, 'pause');
    for (let n = 0; n <= WAITING; n++) client.send('slow', String(n));
    await isPaused;
    gateway.end('0');
    expect(show(await client.next())).toBe('utf8 0');
  });
});

describe('a message that waits', () => {
  async function startWaiting() {
    await start({ concurrencyLimit: 1 });
    together(() => {
      client.send('slow', 'runs');
      client.send('sync', 'waits');
      client.signal('sync', 'waits too');
      client.sendBytes('1f0900000000000000');
      // Overtakes them, and is answered at once.
      client.send('wwr:unknown');
    });
    expect(show(await client.next())).toMatch(/^error NOT_FOUND/);
    return [...gateway.server.connections][0]!;
  }

  it('is dropped when the client breaks the protocol', async () => {
    await start({ concurrencyLimit: 1 });
    together(() => {
      client.send('slow', 'runs');
      client.send('sync', 'waits');
      client.sendBytes('');
    });
    await app.logger.logged('warn', 'EMPTY_MESSAGE');
    gateway.end('runs');
    expect(show(await client.next())).toBe('utf8 runs');
    expect(await client.closed).toEqual({ code: 1002, reason: 'EMPTY_MESSAGE' });
    expect(gateway.started.rest).toEqual(['runs']);
  });

  it('is dropped when the application closes the connection', async () => {
    const connection = await startWaiting();
    await connection.close();
    gateway.end('runs');
    expect(show(await client.next())).toBe('utf8 runs');
    expect(await client.closed).toEqual({ code: 1000, reason: '' });
    expect(gateway.started.rest).toEqual(['runs']);
  });

  it('is answered, in order, when the server shuts down', async () => {
    await startWaiting();
    const shutdown = gateway.server.shutdown();
    expect((await client.nextBytes()).toString('hex')).toBe('010200000000000000');
    expect((await client.nextBytes()).toString('hex')).toBe('010900000000000000');
    expect(await client.ask('sync', 'read again')).toBe('shutdown');
    gateway.end('runs');
    expect(show(await client.next())).toBe('utf8 runs');
    await shutdown;
    expect(await client.closed).toEqual({
      code: 1001,
      reason: 'server shutting down after all replies',
    });
    expect(gateway.started.rest).toEqual(['runs']);
  });

  it('is dropped when the client is gone', async () => {
    await startWaiting();
    client.socket.terminate();
    expect(await gateway.disconnects.take()).toBe('connection-lost');
    gateway.end('runs');
    expect(gateway.started.rest).toEqual(['runs']);
    expect(gateway.server.connections.size).toBe(0);
  });
});
