import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebwireClient, type WebSocketConstructor } from 'nestjs-webwire/client';
import { ACCEPT_CONF, connected, FakeServer, FakeSocket, nextTurn, replyUtf8 } from './fake-server.js';
import { outcome } from './outcome.js';

let server: FakeServer;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
});
afterEach(() => void vi.useRealTimers());

async function dialing(options: object = {}): Promise<{ connecting: Promise<Error>; socket: FakeSocket }> {
  const client = server.client(options);
  const connecting = client.connect().then(
    () => new Error('connected'),
    (error: Error) => error,
  );
  return { connecting, socket: await server.dialed() };
}

describe('a connection that cannot be made fails at once', () => {
  it.each([
    ['error without close (Node.js 22)', [['error', { error: new Error('Received network error'), message: 'x' }]]],
    [
      'an error of no content (Node.js 24)',
      [
        ['error', { error: new TypeError(''), message: '' }],
        ['close', { code: 1006 }],
      ],
    ],
    [
      'close code 0 (Deno)',
      [
        ['error', { error: new Error('tcp connect error') }],
        ['close', { code: 0, reason: '' }],
      ],
    ],
    [
      'an event with a message only (React Native)',
      [
        ['error', { message: 'Failed to connect' }],
        ['close', { code: 1006 }],
      ],
    ],
    [
      'a close event whose reason is the message (React Native)',
      [
        ['error', {}],
        ['close', { code: 1006, reason: 'Failed to connect' }],
      ],
    ],
    [
      'events without any content (browsers)',
      [
        ['error', {}],
        ['close', { code: 1006, reason: '' }],
      ],
    ],
    ['close without a code', [['close', {}]]],
  ] as [string, [string, object][]][])('by %s', async (_platform, events) => {
    const { connecting, socket } = await dialing();
    for (const [type, event] of events) socket.dispatch(type, event);
    expect(await connecting).toMatchObject({ code: 'DISCONNECTED', closeCode: 1006, reason: '' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([
    [{ error: new Error('Received network error') }, 'Received network error'],
    [{ message: 'Failed to connect' }, 'Failed to connect'],
    [{}, 'the platform does not say why'],
    [{ error: new TypeError('') }, 'the platform does not say why'],
    [
      {
        error: Object.assign(new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })]), {
          code: 'ECONNREFUSED',
        }),
      },
      'nothing accepts connections there (ECONNREFUSED)',
    ],
    [
      { error: Object.assign(new Error('getaddrinfo ENOTFOUND h'), { code: 'ENOTFOUND' }) },
      'the host name was not found (ENOTFOUND)',
    ],
    [
      { error: Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }) },
      'TLS failed (DEPTH_ZERO_SELF_SIGNED_CERT)',
    ],
    [
      { error: Object.assign(new Error('Parse Error'), { code: 'HPE_INVALID_CONSTANT' }) },
      'the server does not speak HTTP',
    ],
    [{ error: new Error('line one\n\u001b[31mred\u202e') }, '"line one\\n\\u001b[31mred\\u202e"'],
  ])('and the message contains the reason: %o', async (event, why) => {
    const { connecting, socket } = await dialing();
    socket.dispatch('error', event);
    const { message } = await connecting;
    expect(message).toContain('could not connect to ws://localhost/ (after 0 ms): ');
    expect(message).toContain(why);
  });

  it.each([
    ['Unexpected server response: 401', 401],
    ["WebSocket connection to 'ws://localhost/' failed: Expected 101 status code: 403", 403],
    ['failed to connect to WebSocket: Invalid status code: 503', 503],
    ["Expected HTTP 101 response but was '401 Unauthorized'", 401],
    ['Received bad response code from server: 403.', 403],
  ])('and the status is read from the message of the platform: %s', async (message, status) => {
    const { connecting, socket } = await dialing();
    socket.end(1006, '', new Error(message));
    expect(await connecting).toMatchObject({ status, message: expect.stringContaining(`HTTP ${status}`) });
  });
});

it('a close event without a close frame has no reason of the server, but the message of an error (React Native)', async () => {
  const { connecting, socket } = await dialing();
  socket.dispatch('error', {});
  socket.dispatch('close', { code: 1006, reason: "Expected HTTP 101 response but was '401 Unauthorized'" });
  expect(await connecting).toMatchObject({ status: 401, reason: '', message: expect.stringContaining('HTTP 401') });

  const { client, socket: lost } = await connected(server, { reconnect: false });
  const pending = outcome(client.request('a'));
  lost.dispatch('error', {});
  lost.dispatch('close', { code: 1006, reason: 'Software caused connection abort' });
  expect(await pending).toMatch(/close code 1006: "Software caused connection abort"$/);
});

/** Dispatches `close` within `close()`, as Node.js 24 does. */
class SynchronousSocket extends FakeSocket {
  override close(code?: number, reason?: string): void {
    super.close(code, reason);
    this.end(1006);
  }
}

function socketsOf(Class: typeof FakeSocket): { webSocket: WebSocketConstructor; sockets: FakeSocket[] } {
  const sockets: FakeSocket[] = [];
  const webSocket = class extends Class {
    constructor(url: string) {
      super(url);
      sockets.push(this);
    }
  };
  return { webSocket, sockets };
}

function clientOf(webSocket: WebSocketConstructor, options: object = {}): WebwireClient {
  const client = new WebwireClient('ws://localhost', { webSocket, ...options });
  onTestFinished(() => client.close());
  return client;
}

describe('a WebSocket that dispatches close within close()', () => {
  it('still reports the dial timeout', async () => {
    const { webSocket } = socketsOf(SynchronousSocket);
    const connecting = outcome(clientOf(webSocket, { dialTimeout: 100 }).connect());
    await vi.advanceTimersByTimeAsync(100);
    expect(await connecting).toMatch('DIAL_TIMEOUT: ');
  });

  it('still reports the violation', async () => {
    const { webSocket, sockets } = socketsOf(SynchronousSocket);
    const client = clientOf(webSocket, { reconnect: false });
    const connecting = client.connect();
    sockets[0]!.accept();
    await connecting;
    await nextTurn();
    const pending = outcome(client.request('a'));
    sockets[0]!.say('ff');
    expect(await pending).toMatch('UNEXPECTED_MESSAGE: ');
  });

  it('is closed once', async () => {
    const { webSocket, sockets } = socketsOf(SynchronousSocket);
    const client = clientOf(webSocket);
    const connecting = client.connect();
    sockets[0]!.accept();
    await connecting;
    const told: unknown[] = [];
    client.on('disconnected', (event) => told.push(event));
    await client.close();
    expect([client.status, told.length, vi.getTimerCount()]).toEqual(['closed', 1, 0]);
  });
});

describe('late events', () => {
  it('of an abandoned connection are ignored', async () => {
    const client = server.client({ dialTimeout: 100 });
    const connecting = outcome(client.connect());
    const socket = await server.dialed();
    socket.answersClose = false;
    await vi.advanceTimersByTimeAsync(100);
    expect(await connecting).toMatch('DIAL_TIMEOUT');
    for (const type of ['open', 'error', 'close', 'close']) socket.dispatch(type, { code: 1000, reason: '' });
    socket.dispatch('message', { data: 'late' });
    await nextTurn();
    expect([client.status, vi.getTimerCount()]).toEqual(['disconnected', 0]);
  });

  it('an error on an open connection ends it, even if close does not follow', async () => {
    const { client, socket } = await connected(server, { reconnect: false });
    const pending = client.request('a').catch((error: Error) => error);
    socket.dispatch('error', { error: new Error('read ECONNRESET') });
    expect(client.status).toBe('connected');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(await pending).toMatchObject({
      closeCode: 1006,
      message: expect.stringContaining(
        'lost the connection to ws://localhost/ after 2000 ms, close code 1006: "read ECON',
      ),
    });
  });
});

describe('messages arrive', () => {
  const bytes = () => Uint8Array.from(Buffer.from(replyUtf8(1, 'hi'), 'hex'));

  it.each([
    ['an ArrayBuffer', () => bytes().buffer],
    ['a Buffer within a larger one', () => Buffer.concat([Buffer.alloc(3), bytes()]).subarray(3)],
    ['fragments', () => [bytes().subarray(0, 5), bytes().subarray(5)]],
    ['a Blob', () => new Blob([bytes()])],
  ])('as %s', async (_form, data) => {
    const { client, socket } = await connected(server);
    const reply = client.request('a');
    socket.deliver(data());
    expect((await reply).text()).toBe('hi');
  });

  it('in order, even if the first ones are Blobs', async () => {
    const { client, socket } = await connected(server);
    const seen: string[] = [];
    client.onSignal((payload) => seen.push(payload.text()));
    client.on('disconnected', () => seen.push('disconnected'));
    for (const text of ['1', '2']) socket.deliver(new Blob([Buffer.from(`\u0040\u0001a${text}`)]));
    socket.deliver(Buffer.from('\u0040\u0001a3'));
    socket.end(1001);
    await vi.waitFor(() => expect(seen).toEqual(['1', '2', '3', 'disconnected']));
  });
});

describe('a server that speaks no WebWire', () => {
  it.each([
    ['text', 'hello', 'is not a WebWire server: its first message is text, "hello" (TEXT_FRAME at byte 0)'],
    ['socket.io', '0{"sid":"x"}', 'it seems to be a socket.io server'],
    ['other bytes', Uint8Array.of(1, 2, 3).buffer, 'is not a WebWire server: its first message is of another kind'],
  ])('is named: %s', async (_kind, data, message) => {
    const { connecting, socket } = await dialing();
    socket.open();
    socket.deliver(data);
    expect((await connecting).message).toContain(`ws://localhost/ `);
    expect((await connecting).message).toContain(message);
  });

  it('is named if it closes the WebSocket at once', async () => {
    const { connecting, socket } = await dialing();
    socket.open();
    socket.end(1008, 'who are\u001b you');
    expect((await connecting).message).toBe(
      'could not connect to ws://localhost/ (after 0 ms): the server closed the WebSocket (1008 "who are\\u001b you") without the first message of a WebWire server',
    );
  });
});

describe('where URL does not follow the standard (React Native)', () => {
  beforeEach(() => {
    vi.stubGlobal(
      'URL',
      class {
        href: string;
        constructor(url: string) {
          this.href = `${url}/`;
        }
        get host(): string {
          throw new Error('URL.host is not implemented');
        }
      },
    );
    return () => void vi.unstubAllGlobals();
  });

  it.each([
    ['ws://LOCALHOST:80/chat?token=1', 'ws://localhost/chat?token=1'],
    ['wss://ann:secret@localhost:443', 'wss://ann:secret@localhost/'],
    ['http://[::1]:8080/a#b', 'ws://[::1]:8080/a'],
  ])('a client dials %s', async (url, dialed) => {
    const client = server.client({}, url);
    void client.connect().catch(() => undefined);
    expect((await server.dialed()).url).toBe(dialed);
  });

  it.each(['nonsense', 'ws://', 'ws://?a', '/relative', 'ws://a b'])('and refuses %s', (url) => {
    expect(() => new WebwireClient(url, { webSocket: server.webSocket })).toThrow('WebWire option url is ');
  });
});

it('works without setImmediate, as in browsers', async () => {
  // First, as the stub is replaced later by what it has replaced now.
  vi.useRealTimers();
  vi.resetModules();
  vi.stubGlobal('setImmediate', undefined);
  onTestFinished(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });
  const { WebwireClient: BrowserClient } = await import('nestjs-webwire/client');
  const { webSocket, sockets } = socketsOf(FakeSocket);
  const client = new BrowserClient('ws://localhost', { webSocket });
  const seen: string[] = [];
  client.onSignal((_payload, name) => seen.push(name));
  const connecting = client.connect();
  sockets[0]!.open();
  sockets[0]!.say(ACCEPT_CONF);
  await connecting;
  void client.request('x').then(() => seen.push('reply'));
  sockets[0]!.say(replyUtf8(1));
  sockets[0]!.say('400161');
  sockets[0]!.say('400162');
  await vi.waitFor(() => expect(seen).toEqual(['reply', 'a', 'b']));
  await client.close();
});
