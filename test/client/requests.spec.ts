import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  InternalServerError,
  isTimeout,
  jsonCodec,
  MaxSessionConnectionsReachedError,
  Payload,
  RequestError,
  ServerShutdownError,
  SessionNotFoundError,
  SessionsDisabledError,
  TimeoutError,
  type PayloadCodec,
} from 'nestjs-webwire/client';
import { connected, FakeServer, hexId, replyUtf8 } from './fake-server.js';
import { outcome } from './outcome.js';

let server: FakeServer;

beforeEach(() => {
  server = new FakeServer();
});

function useFakeTimers(): void {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
}

describe('a request', () => {
  it.each([
    ['text', 'Ada', '80 0100000000000000 05 6563686f31 416461'],
    ['bytes', Uint8Array.of(1, 2), '7f 0100000000000000 05 6563686f31 0102'],
    ['an ArrayBuffer', Uint8Array.of(1, 2).buffer, '7f 0100000000000000 05 6563686f31 0102'],
    ['nothing', undefined, '7f 0100000000000000 05 6563686f31'],
    ['null', null, '7f 0100000000000000 05 6563686f31'],
    ['an object', { a: 1 }, '80 0100000000000000 05 6563686f31 7b2261223a317d'],
    ['a number', 5, '80 0100000000000000 05 6563686f31 35'],
    ['UTF-16', Payload.utf16('hi'), '81 0100000000000000 05 6563686f31 00 68006900'],
  ])('carries %s', async (_what, body, hex) => {
    const { client, socket } = await connected(server);
    const reply = client.request('echo1', body);
    expect(await socket.received.take()).toBe(hex.replaceAll(' ', ''));
    socket.say(`bf${hexId(1)}`);
    expect((await reply).bytes).toHaveLength(0);
  });

  it('may have no name', async () => {
    const { client, socket } = await connected(server);
    void client.request('', 'a').catch(() => undefined);
    expect(await socket.received.take()).toBe('8001000000000000000061');
  });

  it.each([
    ['c0 0100000000000000 68c3a9', 'utf8', 'hé', '68c3a9'],
    ['bf 0100000000000000 6869', 'binary', 'hi', '6869'],
    ['c1 0100000000000000 00 68006900', 'utf16', 'hi', '68006900'],
  ])('is answered by %s', async (hex, encoding, text, bytes) => {
    const { client, socket } = await connected(server);
    const answering = client.request('a');
    socket.say(hex.replaceAll(' ', ''));
    const reply = await answering;
    expect([reply.encoding, reply.text(), Buffer.from(reply.bytes).toString('hex')]).toEqual([encoding, text, bytes]);
  });

  it('gets its own reply, in any order of replies', async () => {
    const { client, socket } = await connected(server);
    const replies = [client.request('a'), client.request('b'), client.request('c')];
    expect(client.pendingRequests).toBe(3);
    for (const id of [3, 1, 2]) socket.say(replyUtf8(id, `reply ${id}`));
    const texts = (await Promise.all(replies)).map((reply) => reply.text());
    expect(texts).toEqual(['reply 1', 'reply 2', 'reply 3']);
    expect(client.pendingRequests).toBe(0);
  });

  it.each([
    ['00 0100000000000000 04 434f4445 6d657373616765', RequestError, 'CODE', 'message'],
    ['00 0100000000000000 04 434f4445', RequestError, 'CODE', ''],
    ['01 0100000000000000', ServerShutdownError, 'SERVER_SHUTDOWN', 'server shutdown'],
    ['02 0100000000000000', InternalServerError, 'INTERNAL_SERVER_ERROR', 'internal server error'],
    ['03 0100000000000000', SessionNotFoundError, 'SESSION_NOT_FOUND', 'session not found'],
    [
      '04 0100000000000000',
      MaxSessionConnectionsReachedError,
      'MAX_SESSION_CONNECTIONS_REACHED',
      'max session connections reached',
    ],
    ['05 0100000000000000', SessionsDisabledError, 'SESSIONS_DISABLED', 'sessions disabled'],
  ])('fails with %s', async (hex, Class, code, message) => {
    const { client, socket } = await connected(server);
    const failing = client.request('a').catch((error: Error) => error);
    socket.say(hex.replaceAll(' ', ''));
    const error = await failing;
    expect(error).toBeInstanceOf(Class);
    expect(error).toMatchObject({ name: Class.name, code, message });
  });

  it.each([
    ['a character that is not ASCII', 'é', 'x', 'INVALID_CHARACTER: character outside 32-126 at byte 10'],
    ['a name that is too long', 'a'.repeat(256), 'x', 'FIELD_TOO_LONG: FIELD_TOO_LONG at byte 10'],
    ['neither name nor payload', '', undefined, 'EMPTY_FIELD: EMPTY_FIELD at byte 9'],
    ['a name that is none', 5 as unknown as string, 'x', 'INVALID_FIELD: INVALID_FIELD at byte 10'],
    [
      'half a UTF-16 unit',
      'a',
      new Payload('utf16', new Uint8Array(3)),
      'ODD_UTF16_LENGTH: ODD_UTF16_LENGTH at byte 14',
    ],
    ['a promise', 'a', Promise.resolve(), 'undefined: a promise or an Observable cannot be sent; wait for its value'],
  ])('with %s is not sent, and harms nothing', async (_what, name, body, error) => {
    const { client, socket } = await connected(server);
    expect(await outcome(client.request(name, body))).toBe(error);
    expect(socket.received.rest).toEqual([]);
    expect(client.status).toBe('connected');
  });

  it('that does not fit the server is not sent', async () => {
    const client = server.client();
    const connecting = client.connect();
    const socket = await server.accept('17020060ea000020000000');
    await connecting;
    const fits = client.request('a', 'x'.repeat(21)).then((reply) => reply.text());
    expect(await outcome(client.request('a', 'x'.repeat(22)))).toBe(
      "BUFFER_OVERFLOW: a message of 33 bytes does not fit the message buffer of 32 bytes; send less, or raise the server's option messageBufferSize",
    );
    expect(socket.received.rest).toHaveLength(1);
    socket.say(replyUtf8(1, 'ok'));
    expect(await fits).toBe('ok');
    expect(client.pendingRequests).toBe(0);
  });
});

describe('a request that takes too long', () => {
  it('fails after the timeout of the client, and its late reply is dropped', async () => {
    useFakeTimers();
    const { client, socket } = await connected(server, { requestTimeout: 1_000 });
    const late = outcome(client.request('a'));
    await vi.advanceTimersByTimeAsync(999);
    expect(client.pendingRequests).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await late).toBe('TIMEOUT: timeout after 1000 ms: no reply came');
    expect(client.pendingRequests).toBe(0);

    socket.say(replyUtf8(1, 'late'));
    const next = client.request('b');
    socket.say(replyUtf8(2, 'in time'));
    expect((await next).text()).toBe('in time');
  });

  it.each([
    [{ timeout: 10 }, 10, 'TIMEOUT: timeout after 10 ms: no reply came'],
    [{ timeout: 10, deadline: new Date(20) }, 10, 'TIMEOUT: timeout after 10 ms: no reply came'],
    [{ timeout: 20, deadline: new Date(10) }, 10, 'DEADLINE_EXCEEDED: deadline exceeded: no reply came'],
    [{ deadline: new Date(120_000) }, 120_000, 'DEADLINE_EXCEEDED: deadline exceeded: no reply came'],
  ])('fails according to its own options: %o', async (options, time, error) => {
    useFakeTimers();
    vi.setSystemTime(0);
    const { client } = await connected(server, { livenessTimeout: Infinity });
    const failing = outcome(client.request('a', 'b', options));
    await vi.advanceTimersByTimeAsync(time - 1);
    expect(client.pendingRequests).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await failing).toBe(error);
  });

  it('is not even sent if its deadline has passed', async () => {
    const { client, socket } = await connected(server);
    const failing = client.request('a', 'b', { deadline: new Date(Date.now() - 1) }).catch((error: Error) => error);
    const error = await failing;
    expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect([isTimeout(error), isTimeout(new TimeoutError()), isTimeout(new RequestError('TIMEOUT'))]).toEqual([
      true,
      true,
      false,
    ]);
    expect(socket.received.rest).toEqual([]);
  });

  it('waits as long as it takes with an infinite timeout', async () => {
    useFakeTimers();
    const { client, socket } = await connected(server, { livenessTimeout: Infinity });
    const reply = client.request('a', 'b', { timeout: Infinity });
    await vi.advanceTimersByTimeAsync(100_000_000);
    socket.say(replyUtf8(1, 'at last'));
    expect((await reply).text()).toBe('at last');
  });

  it.each([
    [{ timeout: -1 }, 'timeout is "-1"'],
    [{ deadline: new Date(NaN) }, 'deadline is "NaN"'],
    [{ deadline: 5 }, 'deadline is "5"'],
    [{ deadline: {} }, 'deadline is "object"'],
    [{ signal: {} }, 'signal is "object"'],
    [{ timeoutMs: 5 }, 'there is no such option'],
  ])('has options that are checked: %o', async (options, message) => {
    const { client, socket } = await connected(server);
    const failing = outcome(client.request('a', 'b', options as object));
    expect(await failing).toMatch(
      message.startsWith('there')
        ? 'INVALID_OPTION: WebWire option timeoutMs is "5", but must be left out'
        : `INVALID_OPTION: WebWire option ${message}`,
    );
    expect([client.pendingRequests, socket.received.rest.length]).toEqual([0, 0]);
  });
});

describe('a request that is canceled', () => {
  it('fails with the reason, and its late reply is dropped', async () => {
    const { client, socket } = await connected(server);
    const abort = new AbortController();
    const canceled = client.request('a', 'b', { signal: abort.signal });
    await socket.received.take();
    abort.abort('no longer of interest');
    await expect(canceled).rejects.toMatchObject({ code: 'CANCELED', cause: 'no longer of interest' });
    socket.say(replyUtf8(1));
    expect([client.status, client.pendingRequests]).toEqual(['connected', 0]);
  });

  it('is not sent if it was canceled before', async () => {
    const { client, socket } = await connected(server);
    expect(await outcome(client.request('a', 'b', { signal: AbortSignal.abort() }))).toBe('CANCELED: canceled');
    expect(socket.received.rest).toEqual([]);
  });

  it('removes its listener in each case', async () => {
    const { client, socket } = await connected(server);
    const { signal } = new AbortController();
    const removed = vi.spyOn(signal, 'removeEventListener');
    const reply = client.request('a', 'b', { signal });
    socket.say(replyUtf8(1));
    await reply;
    expect(removed).toHaveBeenCalledOnce();
  });
});

describe('a request without a connection', () => {
  it('connects, and is sent once it may be', async () => {
    const client = server.client();
    const reply = client.request('a', 'b');
    expect([client.status, client.pendingRequests]).toEqual(['connecting', 1]);
    const socket = (await server.dialed()).open();
    expect(socket.received.rest).toEqual([]);
    socket.say('17020060ea000000200000');
    await socket.received.take();
    socket.say(replyUtf8(1, 'c'));
    expect((await reply).text()).toBe('c');
  });

  it('is sent in the order in which it was made, signals included', async () => {
    const client = server.client();
    void client.request('a').catch(() => undefined);
    void client.signal('b');
    void client.request('c').catch(() => undefined);
    client.on('connected', () => void client.signal('d'));
    const socket = await server.accept();
    const names = [];
    for (let index = 0; index < 4; index++) names.push(Buffer.from(await socket.received.take(), 'hex').at(-1));
    expect(String.fromCharCode(...(names as number[]))).toBe('abcd');
  });

  it('has the bytes that its body had when it was made', async () => {
    const client = server.client();
    const body = Uint8Array.of(1);
    void client.request('a', body).catch(() => undefined);
    body[0] = 2;
    expect(await (await server.accept()).received.take()).toBe('7f0100000000000000016101');
  });

  it('waits within its timeout', async () => {
    useFakeTimers();
    const client = server.client();
    const late = client.request('a', 'b', { timeout: 300 }).catch((error: Error) => error);
    (await server.dialed()).end();
    await vi.advanceTimersByTimeAsync(300);
    expect(await late).toMatchObject({ code: 'TIMEOUT' });
    // No operation waits for a connection any more.
    expect(client.status).toBe('disconnected');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('fails at once if the client does not reconnect', async () => {
    const client = server.client({ reconnect: false });
    expect(await outcome(client.request('a'))).toBe(
      'DISCONNECTED: not connected to ws://localhost/: call connect(), or leave reconnect on',
    );
    expect(await outcome(client.signal('a'))).toBe(
      'DISCONNECTED: not connected to ws://localhost/: call connect(), or leave reconnect on',
    );
    const connecting = outcome(client.connect());
    const waiting = outcome(client.request('a'));
    (await server.dialed()).end();
    expect([await connecting, await waiting]).toEqual(
      Array(2).fill(expect.stringMatching('^DISCONNECTED: could not connect to ws://localhost/ ')),
    );
    expect(server.dials).toBe(1);
  });

  it('fails with the error that makes a connection impossible', async () => {
    const client = server.client();
    const failing = [outcome(client.request('a')), outcome(client.signal('a'))];
    await server.accept('17010060ea000000200000');
    expect(await Promise.all(failing)).toEqual(
      Array(2).fill('INCOMPATIBLE_PROTOCOL_VERSION: the server at ws://localhost/ speaks WebWire 1, this client 2'),
    );
    expect([server.dials, client.status]).toEqual([1, 'disconnected']);
  });
});

describe('a request whose connection is lost', () => {
  it('fails, and is not sent again', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 1 } });
    const lost = client.request('a').catch((error: Error) => error);
    socket.end(1001, 'going away');
    expect(await lost).toMatchObject({ code: 'DISCONNECTED', closeCode: 1001, reason: 'going away' });
    const next = await server.accept();
    const reply = client.request('b');
    expect(await next.received.take()).toBe('7f02000000000000000162');
    next.say(replyUtf8(2));
    await reply;
    expect(next.received.rest).toEqual([]);
  });

  it('waits for the next connection if it is made while the old one is closing', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 1 } });
    socket.readyState = 2;
    const reply = client.request('a');
    const connecting = client.connect();
    socket.end(1001);
    const next = await server.accept();
    await connecting;
    await next.received.take();
    next.say(replyUtf8(1, 'b'));
    expect((await reply).text()).toBe('b');
  });
});

describe('a request that is made while the connection is closing, with `reconnect: false`,', () => {
  it('fails at once', async () => {
    const { client, socket } = await connected(server, { reconnect: false });
    socket.readyState = 2;
    expect(await outcome(client.request('a'))).toBe(
      'DISCONNECTED: not connected to ws://localhost/: call connect(), or leave reconnect on',
    );
    const ended = new Promise((resolve) => void client.on('disconnected', resolve));
    socket.end(1001);
    await ended;
    expect(client.status).toBe('disconnected');
  });

  it('waits for the next connection if connect() does', async () => {
    const { client, socket } = await connected(server, { reconnect: false });
    socket.readyState = 2;
    const connecting = client.connect();
    const reply = client.request('a');
    socket.end(1001);
    const next = await server.accept();
    await connecting;
    await next.received.take();
    next.say(replyUtf8(1, 'b'));
    expect((await reply).text()).toBe('b');
  });
});

describe('a codec', () => {
  const upperCase: PayloadCodec = {
    encode: (value) => Payload.utf8(String(value).toUpperCase()),
    decode: (payload) => payload.text().toLowerCase(),
  };

  it('makes payloads of bodies, and bodies of payloads', async () => {
    const { client, socket } = await connected(server, { codec: upperCase });
    const reply = client.request('a', 'b');
    expect(await socket.received.take()).toBe('800100000000000000016142');
    socket.say(replyUtf8(1, 'C'));
    expect((await reply).body).toBe('c');
  });

  it('that fails to encode fails the request alone', async () => {
    const fail = () => {
      throw new Error('no');
    };
    const { client } = await connected(server, { codec: { encode: fail, decode: fail } });
    expect(await outcome(client.request('a', 'b'))).toBe('undefined: no');
    expect(client.status).toBe('connected');
  });

  it('is by default one for text and bytes', async () => {
    const { client, socket } = await connected(server);
    const replies = [client.request('a'), client.request('b')];
    socket.say(replyUtf8(1, '{"a":1}'));
    socket.say(`bf${hexId(2)}01`);
    const [text, bytes] = await Promise.all(replies);
    expect([text!.body, text!.json(), bytes!.body]).toEqual(['{"a":1}', { a: 1 }, Uint8Array.of(1)]);
  });

  it('may be one for JSON', async () => {
    const { client, socket } = await connected(server, { codec: jsonCodec });
    const replies = [client.request('a'), client.request('b'), client.request('c'), client.request('d')];
    socket.say(replyUtf8(1, '{"a":1}'));
    socket.say(`bf${hexId(2)}01`);
    socket.say(`bf${hexId(3)}`);
    socket.say(replyUtf8(4, '{'));
    const [json, bytes, empty, bad] = await Promise.all(replies);
    expect([json!.body, bytes!.body, empty!.body]).toEqual([{ a: 1 }, Uint8Array.of(1), undefined]);
    expect(() => bad!.body).toThrow(SyntaxError);
  });
});
