import { once } from 'node:events';
import { MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  HandshakeRejection,
  MemoryTransport,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  type DisconnectReason,
  type MemoryWebSocket,
  type Message,
  type WebwireServer,
} from 'nestjs-webwire';
import {
  decodeMessage,
  encodeMessage,
  MessageType,
  Payload,
  type ProtocolMessage,
  type SignalMessage,
} from 'nestjs-webwire/protocol';
import { setImmediate as passIo } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { describe as show } from '../support/wire-client.js';

const ECHO = request('echo', 'hi');
const CLOSE_TIMEOUT = 2_000;

@WebwireGateway()
class EchoGateway {
  readonly connections: WebwireConnection[] = [];
  readonly left = deferred<DisconnectReason>();
  @WebSocketServer() server!: WebwireServer;
  work = deferred<string>();

  @WebwireRequest('echo') echo(@WebwireMessage() message: Message) {
    return message.payload;
  }
  @WebwireRequest('slow') slow(@MessageBody() _body: string) {
    return this.work.promise;
  }
  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.left.resolve(reason);
  }
}

@WebwireGateway(4000, { path: '/' })
class OtherGateway {
  @WebwireRequest('where') where() {
    return 'port 4000';
  }
}

@WebwireGateway({ path: '/chat', origins: 'https://example.com' })
class ChatGateway {
  @WebwireRequest('where') where() {
    return 'chat';
  }
}

function request(name: string, body: string): Uint8Array {
  const id = new Uint8Array(8);
  return encodeMessage({ type: MessageType.RequestUtf8, id, name, payload: Payload.utf8(body).bytes });
}

/** Queues the messages of a socket. */
function listen(socket: MemoryWebSocket) {
  const messages = new Queue<ProtocolMessage>();
  socket.addEventListener('message', ({ data }) => messages.push(decodeMessage(new Uint8Array(data as ArrayBuffer))));
  return {
    next: async () => show(await messages.take()),
    messages,
    closed: once(socket, 'close').then(([event]) => {
      const { code, reason, wasClean } = event as { code: number; reason: string; wasClean: boolean };
      return { code, reason, wasClean };
    }),
  };
}

let transport: MemoryTransport;
let app: TestApp;
let gateway: EchoGateway;

beforeEach(async () => {
  transport = new MemoryTransport();
  app = await TestApp.start({ providers: [EchoGateway, OtherGateway, ChatGateway] }, { transport });
  gateway = app.get(EchoGateway);
});
afterEach(() => app.close());

/** A connected client that has received the AcceptConf. */
async function connect(...target: Parameters<MemoryTransport['connect']>) {
  const socket = await transport.connect(...target);
  const client = { socket, ...listen(socket) };
  expect(await client.next()).toBe('type 23');
  return client;
}

describe('connecting', () => {
  it('finds the server by path and port, the HTTP server first', async () => {
    const chat = await connect('/chat?room=1', { headers: { Origin: 'https://example.com' } });
    chat.socket.send(request('where', '?'));
    expect(await chat.next()).toBe('utf8 chat');
    const echo = await connect();
    echo.socket.send(request('where', '?'));
    expect(await echo.next()).toBe('error NOT_FOUND: nobody handles this request');
    const other = await connect('/', { port: 4000 });
    other.socket.send(request('where', '?'));
    expect(await other.next()).toBe('utf8 port 4000');
  });

  it('passes on the headers and the address of the client', async () => {
    await connect('/?token=1', { headers: { Authorization: 'Bearer 1' }, remoteAddress: '203.0.113.7' });
    const [connection] = gateway.connections;
    expect(connection!.request).toEqual({ url: '/?token=1', headers: { authorization: 'Bearer 1' } });
    expect(connection!.remoteAddress).toBe('203.0.113.7');
    expect(gateway.server.address).toBe('memory:/');
  });

  it.each([
    ['/nowhere', {}, 404, 'no WebWire server here'],
    ['/chat', { headers: { origin: 'https://evil.example' } }, 403, 'origin not allowed'],
  ])('to %s with %j is refused with %i', async (path, options, status, message) => {
    const refused = await transport.connect(path, options).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(HandshakeRejection);
    expect(refused).toMatchObject({ status, message });
  });

  it('is refused once the application is closed', async () => {
    await app.close();
    await expect(transport.connect()).rejects.toMatchObject({ status: 404 });
    expect(gateway.server.address).toBe(null);
  });

  it('reaches a server that listens elsewhere, too', async () => {
    const second = new MemoryTransport();
    const listener = await second.listen(gateway.server, {});
    const socket = await second.connect('/');
    const client = listen(socket);
    expect(await client.next()).toBe('type 23');
    await listener.close();
    await expect(second.connect('/')).rejects.toMatchObject({ status: 404 });
    socket.send(ECHO);
    expect(await client.next()).toBe('utf8 hi');
    expect(gateway.server.address).toBe('memory:/');
  });

  it('finds a path taken', async () => {
    await expect(transport.listen(gateway.server, {})).rejects.toThrow('two WebWire servers claim the path /');
  });
});

describe('the constructor of WebSockets', () => {
  it('makes WebSockets for clients written for browsers', async () => {
    const socket = new transport.webSocket('ws://localhost:3000/?a=b', ['token', 'secret']);
    expect(socket).toMatchObject({ url: 'ws://localhost:3000/?a=b', readyState: 0, CONNECTING: 0, protocol: '' });
    expect(() => socket.send(ECHO)).toThrow('Still in CONNECTING state');
    const calls: string[] = [];
    const closed = deferred();
    // Programs for browsers set handlers in this way.
    const handlers: Pick<MemoryWebSocket, 'onopen' | 'onmessage' | 'onclose'> = {
      onopen: () => calls.push(`open ${socket.readyState}`),
      onmessage: ({ data }) => {
        const message = decodeMessage(new Uint8Array(data as ArrayBuffer));
        calls.push(show(message));
        if (message.type === MessageType.AcceptConf) socket.send(ECHO.buffer);
        else socket.close(4000, 'bye');
      },
      onclose: ({ code, reason, wasClean }) => {
        calls.push(`close ${code} ${reason} ${wasClean} ${socket.readyState}`);
        closed.resolve();
      },
    };
    Object.assign(socket, handlers);
    await closed.promise;
    expect(calls).toEqual(['open 1', 'type 23', 'utf8 hi', 'close 4000 bye true 3']);
    expect(gateway.connections[0]!.request.headers).toEqual({ 'sec-websocket-protocol': 'token, secret' });
    expect(await gateway.left.promise).toBe('client-close');
  });

  it('dispatches error and then close for a rejection', async () => {
    const socket = new transport.webSocket('/nowhere');
    const errors: Error[] = [];
    socket.addEventListener('error', ({ error }) => errors.push(error));
    expect(await listen(socket).closed).toEqual({ code: 1006, reason: '', wasClean: false });
    expect(errors).toEqual([new HandshakeRejection(404, 'no WebWire server here')]);
  });

  it('delivers blobs on request', async () => {
    const socket = await transport.connect();
    socket.binaryType = 'blob';
    const [{ data }] = (await once(socket, 'message')) as [{ data: Blob }];
    expect(new Uint8Array(await data.arrayBuffer())[0]).toBe(MessageType.AcceptConf);
  });

  it.each(['close', 'terminate'] as const)('does not connect a client that calls %s() at once', async (method) => {
    const socket = new transport.webSocket('/');
    const errors: Error[] = [];
    socket.addEventListener('error', ({ error }) => errors.push(error));
    socket[method]();
    expect(await listen(socket).closed).toEqual({ code: 1006, reason: '', wasClean: false });
    expect(errors).toHaveLength(1);
    expect(gateway.connections).toEqual([]);
  });

  it.each([[999], [1005], [1006], [1015], [5000], [1000, 'x'.repeat(124)]])(
    'refuses to close with %j',
    async (code, reason?: string) => {
      const { socket } = await connect();
      expect(() => socket.close(code, reason)).toThrow(DOMException);
      expect(socket.readyState).toBe(1);
    },
  );
});

describe('a connection', () => {
  it('copies messages in both directions', async () => {
    const { socket, messages } = await connect();
    const sent = ECHO.slice();
    socket.send(sent);
    sent.fill(0);
    expect(show(await messages.take())).toBe('utf8 hi');
    const bytes = new Uint8Array(4);
    const others = await connect();
    for (const connection of gateway.connections) connection.signal('bytes', bytes);
    const first = await messages.take();
    if ('payload' in first) first.payload.fill(1);
    expect(await others.next()).toBe('signal bytes binary 00000000');
    expect(bytes).toEqual(new Uint8Array(4));
  });

  it('delivers nothing within a call', async () => {
    const { socket, messages } = await connect();
    socket.send(ECHO);
    expect(socket.bufferedAmount).toBe(ECHO.length);
    gateway.connections[0]!.signal('later', 'x');
    expect(messages.rest).toEqual([]);
    expect(show(await messages.take())).toBe('signal later utf8 x');
    expect(show(await messages.take())).toBe('utf8 hi');
    expect(socket.bufferedAmount).toBe(0);
  });

  it('counts unread messages of a paused client as the backlog of the server', async () => {
    const { socket, messages, next } = await connect();
    const [connection] = gateway.connections;
    socket.pause();
    for (let i = 0; i < 3; i++) connection!.signal('s', 'x'.repeat(97));
    const other = await connect();
    other.socket.send(ECHO);
    await other.next();
    expect(messages.rest).toEqual([]);
    expect(connection!.bufferedAmount).toBe(300);
    socket.resume();
    expect(messages.rest).toEqual([]);
    for (let i = 0; i < 3; i++) await next();
    expect(connection!.bufferedAmount).toBe(0);
  });

  it('delivers thirty thousand waiting messages in order, although the client pauses meanwhile', async () => {
    const { socket, messages } = await connect();
    let count = 0;
    socket.addEventListener('message', () => {
      if (++count % 10_000 !== 0) return;
      socket.pause();
      setImmediate(() => socket.resume());
    });
    socket.pause();
    for (let n = 0; n < 30_000; n++) gateway.connections[0]!.signal('n', Uint8Array.of(n, n >> 8, n >> 16));
    socket.resume();
    const numbers: number[] = [];
    while (numbers.length < 30_000) {
      const message = (await messages.take()) as SignalMessage;
      numbers.push(Buffer.from(message.payload).readUIntLE(0, 3));
    }
    expect(numbers.findIndex((number, index) => number !== index)).toBe(-1);
  });

  it('delivers sent messages before it closes', async () => {
    const { socket, messages, next, closed } = await connect();
    gateway.connections[0]!.signal('last', 'words');
    void gateway.connections[0]!.close();
    expect(await next()).toBe('signal last utf8 words');
    expect(await closed).toEqual({ code: 1000, reason: '', wasClean: true });
    socket.send(ECHO);
    expect(socket.bufferedAmount).toBe(0);
    expect(messages.rest).toEqual([]);
    expect(await gateway.left.promise).toBe('server-close');
  });

  it('closes with the code of the client, or without one', async () => {
    const { socket, closed } = await connect();
    socket.close();
    expect(socket.readyState).toBe(2);
    expect(await closed).toEqual({ code: 1005, reason: '', wasClean: true });
    expect(await gateway.left.promise).toBe('client-close');
  });

  it('is cut when the client does not take part in closing it', async () => {
    const { socket, closed } = await connect();
    socket.pause();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    void gateway.connections[0]!.close();
    while (gateway.connections[0]!.isActive) await passIo();
    vi.advanceTimersByTime(CLOSE_TIMEOUT - 1);
    expect(gateway.server.connections.size).toBe(1);
    vi.advanceTimersByTime(1);
    expect(await closed).toEqual({ code: 1006, reason: '', wasClean: false });
    expect(await gateway.left.promise).toBe('server-close');
  });

  it('breaks when the client cuts it', async () => {
    const { socket, closed } = await connect();
    socket.send(request('slow', 'x'));
    socket.terminate();
    expect(await closed).toEqual({ code: 1006, reason: '', wasClean: false });
    expect(await gateway.left.promise).toBe('connection-lost');
    socket.terminate();
    socket.close();
  });

  it.each(['close', 'terminate'] as const)('can be terminated after %s() while it connects', async (first) => {
    const socket = new transport.webSocket('ws://localhost/');
    const closed = new Promise((resolve) => {
      socket.addEventListener('close', resolve);
    });
    socket[first]();
    socket.terminate();
    expect(await closed).toMatchObject({ code: 1006, reason: '', wasClean: false });
  });

  it('is cut when a shutdown cannot wait any longer', async () => {
    await app.close();
    app = await TestApp.start({ providers: [EchoGateway] }, { transport, shutdownTimeout: 1 });
    gateway = app.get(EchoGateway);
    const { socket, closed } = await connect();
    socket.pause();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const cut = new AbortController();
    void closed.then(() => cut.abort());
    const ended = app.close();
    while (!cut.signal.aborted) {
      vi.advanceTimersByTime(CLOSE_TIMEOUT);
      await passIo();
    }
    await ended;
    expect(await closed).toEqual({ code: 1006, reason: '', wasClean: false });
  });
});
