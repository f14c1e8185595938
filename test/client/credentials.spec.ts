import { UnauthorizedException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConnectedSocket } from '@nestjs/websockets';
import assert from 'node:assert';
import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import {
  MemoryTransport,
  UseHandshakeGuards,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireService,
} from 'nestjs-webwire';
import {
  DisconnectedError,
  InvalidOptionError,
  WebwireClient,
  type ClientHeaders,
  type ClientOptions,
  type ClientUrl,
  type Fresh,
} from 'nestjs-webwire/client';
import { deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import { FakeServer, nextTurn } from './fake-server.js';
import { outcome } from './outcome.js';

const FAST = { minDelay: 1, maxDelay: 5 };

describe('a URL from a function', () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
  });

  it.each<[string, (token: number) => ReturnType<Extract<Fresh<ClientUrl>, () => unknown>>]>([
    ['text', (token) => `ws://localhost/?token=${token}`],
    ['a promise of text', async (token) => `ws://localhost/?token=${token}`],
    ['a URL', (token) => new URL(`ws://localhost/?token=${token}`)],
    ['a promise of a URL', async (token) => new URL(`ws://localhost/?token=${token}`)],
  ])('is asked for before each attempt: %s', async (_kind, url) => {
    let token = 0;
    const client = server.client({ reconnect: FAST }, () => url(++token));
    const connecting = client.connect();
    const first = await server.accept();
    await connecting;
    first.end();
    (await server.dialed()).end();
    await server.accept();
    expect(server.urls).toEqual([1, 2, 3].map((number) => `ws://localhost/?token=${number}`));
  });

  it('is asked for at once when it is not a promise', () => {
    const client = server.client({}, () => 'ws://localhost');
    void outcome(client.connect());
    expect(server.dials).toBe(1);
  });

  it('is not asked for before the first attempt, and `client.url` is empty until then', async () => {
    const url = vi.fn<() => string>(() => 'ws://localhost/chat?token=secret');
    const client = server.client({}, url);
    expect([url.mock.calls.length, client.url]).toEqual([0, '']);
    void outcome(client.connect());
    expect(client.url).toBe('ws://localhost/chat');
  });

  it.each<[string, () => string | Promise<string>]>([
    [
      'throws',
      () => {
        throw new Error('no\ntoken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no\ntoken'))],
  ])('that %s makes the attempt fail', async (_how, url) => {
    const client = server.client({}, url);
    const error = await client.connect().catch((reason: DisconnectedError) => reason);
    expect(error).toBeInstanceOf(DisconnectedError);
    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^could not connect to the server \(after \d+ ms\): the option url failed: "no\\ntoken"$/,
      ),
      cause: { message: 'no\ntoken' },
      closeCode: undefined,
    });
    expect([client.status, server.dials]).toEqual(['disconnected', 0]);
  });

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a symbol', Symbol('broken')],
    ['an object without a prototype', Object.create(null)],
    ['an object that throws when it is converted', { toString: () => assert.fail() }],
    [
      'an object whose message cannot be read',
      {
        get message(): never {
          // oxlint-disable-next-line typescript/only-throw-error
          throw 'unreadable';
        },
      },
    ],
  ])('that throws or rejects with %s makes the attempt fail', async (_what, cause) => {
    const functions: (() => string | Promise<string>)[] = [
      () => {
        throw cause;
      },
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      () => Promise.reject(cause),
    ];
    for (const url of functions) {
      const client = server.client({}, url);
      expect(await outcome(client.connect())).toMatch(/^DISCONNECTED: .*: the option url failed: "/);
      expect(client.status).toBe('disconnected');
      await client.close();
    }
  });

  it.each<[string, () => unknown, () => unknown]>([
    ['the other throws', () => Promise.reject(new Error('no token')), () => assert.fail('no header')],
    ['the other rejects', () => Promise.reject(new Error('no token')), () => Promise.reject(new Error('no header'))],
  ])('that rejects leaves no rejection without a handler when %s', async (_how, url, headers) => {
    const unhandled: unknown[] = [];
    const record = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', record);
    onTestFinished(() => void process.off('unhandledRejection', record));
    const client = server.client({ headers: headers as () => ClientHeaders }, url as () => string);
    expect(await outcome(client.connect())).toMatch(/the option (url|headers) failed: "no /);
    await nextTurn();
    expect(unhandled).toEqual([]);
  });

  it.each<[string, unknown]>([
    ['an object with `href`', { href: 'ws://localhost' }],
    // oxlint-disable-next-line unicorn/no-thenable
    ['an object with `then`', { then: (resolve: (url: string) => void) => resolve('ws://localhost') }],
  ])('may be %s', async (_kind, answer) => {
    const client = server.client({}, () => answer as string);
    const connecting = client.connect();
    expect((await server.accept()).url).toBe('ws://localhost/');
    await connecting;
  });

  it.each<[string, unknown]>([
    [
      'an address',
      {
        get href() {
          return assert.fail('unreadable');
        },
      },
    ],
    [
      'an address without an error',
      {
        get href(): never {
          throw 'unreadable';
        },
      },
    ], // oxlint-disable-line typescript/only-throw-error
  ])('that returns %s that cannot be read makes the attempt fail', async (_kind, answer) => {
    const client = server.client({}, () => answer as string);
    expect(await outcome(client.connect())).toMatch(/^DISCONNECTED: .*: unreadable$/);
    await client.close();
  });

  it.each(['nonsense?token=secret', '', undefined, null, 5])('that returns %j makes the attempt fail', async (url) => {
    const client = server.client({}, () => url as string);
    const error = await client.connect().catch((reason: DisconnectedError) => reason);
    expect(error).toMatchObject({ code: 'DISCONNECTED', cause: expect.any(InvalidOptionError) });
    expect(String(error)).not.toContain('secret');
  });

  it('that fails once is asked for again', async () => {
    let calls = 0;
    const client = server.client({ reconnect: FAST }, async () => {
      if (++calls < 3) throw new Error('the token endpoint is down');
      return 'ws://localhost';
    });
    const connecting = client.connect({ retry: true });
    await server.accept();
    await connecting;
    expect(calls).toBe(3);
  });

  it.each(['url', 'headers'])('or headers that do not come are bounded by `dialTimeout`: %s', async (option) => {
    const late = deferred<never>();
    const client = server.client(
      { dialTimeout: 20, ...(option === 'headers' && { headers: () => late.promise }) },
      option === 'url' ? () => late.promise : 'ws://localhost',
    );
    expect(await outcome(client.connect())).toMatch(
      /^DIAL_TIMEOUT: could not connect to .* within \d+ ms: the options url and headers have not returned$/,
    );
    late.resolve('ws://localhost' as never);
    await nextTurn();
    expect([server.dials, client.status]).toEqual([0, 'disconnected']);
  });

  it('that comes too late does not replace that of a later attempt', async () => {
    const answers = [deferred<string>(), deferred<string>()];
    let calls = 0;
    const client = server.client({ dialTimeout: 20 }, () => answers[calls++]!.promise);
    await outcome(client.connect());
    const connecting = client.connect();
    answers[1]!.resolve('ws://second');
    const socket = await server.accept();
    await connecting;
    answers[0]!.resolve('ws://first');
    await nextTurn();
    expect([socket.url, client.url, server.dials]).toEqual(['ws://second/', 'ws://second/', 1]);
  });

  it('is not waited for by a client that closes', async () => {
    const late = deferred<string>();
    const client = server.client({}, () => late.promise);
    const connecting = outcome(client.connect());
    await client.close();
    expect(await connecting).toBe('DISCONNECTED: the client is closed');
    late.resolve('ws://localhost');
    await nextTurn();
    expect([server.dials, client.status]).toEqual([0, 'closed']);
  });

  it('keeps the session under the location of the first attempt', async () => {
    const items = new Map<string, string>();
    const sessionStorage = {
      getItem: (name: string) => items.get(name) ?? null,
      setItem: (name: string, value: string) => void items.set(name, value),
      removeItem: (name: string) => void items.delete(name),
    };
    let token = 0;
    const client = server.client({ sessionStorage }, async () => `ws://localhost/chat?token=${++token}`);
    const connecting = client.connect();
    const socket = await server.accept();
    await connecting;
    const session = '{"k":"key","c":"2026-01-01T00:00:00Z","l":"2026-01-01T00:00:00Z"}';
    socket.say(`15${Buffer.from(session).toString('hex')}`);
    expect([...items]).toEqual([['webwire:localhost/chat', 'key']]);
  });

  it('stays relative to the page in which the client was made', async () => {
    vi.stubGlobal('location', { href: 'https://example.com/rooms/1' });
    onTestFinished(() => void vi.unstubAllGlobals());
    const client = server.client({}, 'chat');
    vi.stubGlobal('location', { href: 'https://example.com/' });
    void outcome(client.connect());
    expect((await server.dialed()).url).toBe('wss://example.com/rooms/chat');
  });
});

describe('headers', () => {
  it('are passed to the WebSocket as Node.js, `ws` and React Native take them', async () => {
    const server = new FakeServer();
    const client = server.client({ headers: { authorization: 'Bearer 1', 'x-none': undefined } });
    void outcome(client.connect());
    const init = { headers: { authorization: 'Bearer 1' } };
    expect((await server.dialed()).options).toEqual([init, init]);
  });

  it('are left out if there are none, as browsers take no third argument', async () => {
    const server = new FakeServer();
    void outcome(server.client().connect());
    expect((await server.dialed()).options).toEqual([]);
  });

  it.each(['Mozilla/5.0 (X11; Linux x86_64)', 'Mozilla/5.0 (iPhone)'])('are an error in browsers: %s', (userAgent) => {
    const { webSocket } = new FakeServer();
    vi.stubGlobal('navigator', { userAgent });
    vi.stubGlobal('WebSocket', webSocket);
    onTestFinished(() => void vi.unstubAllGlobals());
    expect(() => new WebwireClient('ws://localhost', { headers: { authorization: 'secret' } })).toThrow(
      'WebWire option headers is "object", but must be left out: browsers send no headers with a WebSocket',
    );
    expect(
      () => new WebwireClient('ws://localhost', { headers: {}, webSocket: class extends webSocket {} }),
    ).not.toThrow();
  });

  it.each<[string, unknown]>([
    ['text', 'Bearer secret'],
    ['a number as a value', { authorization: 5 }],
    ['null', null],
    ['an instance of Headers', new Headers({ authorization: 'secret' })],
    ['a Map', new Map([['authorization', 'secret']])],
    ['a list', ['secret']],
  ])('from a function that returns %s make the attempt fail', async (_kind, headers) => {
    const server = new FakeServer();
    const client = server.client({ headers: () => headers as ClientHeaders });
    const error = await outcome(client.connect());
    expect(error).toMatch(/^DISCONNECTED: .*headers is "object", but must be an object of strings/);
    expect(error).not.toContain('secret');
  });

  it('never appear in errors', async () => {
    const server = new FakeServer();
    const client = server.client({ headers: () => ({ authorization: 'Bearer sesame-open' }), reconnect: false });
    const connecting = client.connect().catch((error: DisconnectedError) => error);
    (await server.dialed()).end(1006, '', new Error('invalid header value "Bearer sesame-open"'));
    const refused = (await connecting) as DisconnectedError;
    expect(String(refused) + String(refused.cause)).not.toContain('sesame');

    const again = client.connect();
    const socket = await server.accept();
    await again;
    const ended = new Promise<{ error: Error; reason: string }>((resolve) => client.on('disconnected', resolve));
    socket.end(4001, 'bad token sesame-open');
    const { error } = await ended;
    expect(error.message).toMatch(/close code 4001 "bad token …"$/);
  });
});

describe('the close code', () => {
  it.each([4400, 4401, 4403, 4499])('%i is final: the client does not try again', async (code) => {
    const server = new FakeServer();
    const retryOn = vi.fn<() => boolean>(() => true);
    const client = server.client({ reconnect: FAST, retryOn });
    const connecting = client.connect();
    const socket = await server.accept();
    await connecting;
    const ended = new Promise((resolve) => client.on('disconnected', resolve));
    const inFlight = outcome(client.request('a'));
    socket.end(code, 'token expired');
    expect(await ended).toMatchObject({
      code,
      reason: 'token expired',
      willReconnect: false,
      error: { closeCode: code, reason: 'token expired' },
    });
    expect(await inFlight).toMatch(`close code ${code} "token expired"`);
    expect([client.status, retryOn.mock.calls.length]).toEqual(['disconnected', 0]);
    // The application has a new token.
    const again = client.connect();
    await server.accept();
    await again;
  });

  it('4401 before the first message is final, too', async () => {
    const server = new FakeServer();
    const client = server.client({ reconnect: FAST });
    const waiting = [client.connect({ retry: true }), client.request('a'), client.signal('b')].map(outcome);
    (await server.dialed()).open().end(4401, 'token expired');
    for (const text of await Promise.all(waiting)) expect(text).toMatch(/^DISCONNECTED: .*4401 "token expired"/);
    expect([client.status, server.dials]).toEqual(['disconnected', 1]);
  });

  it.each([4399, 4500, 4000, 1008, 1013])('%i is not final', async (code) => {
    const server = new FakeServer();
    const client = server.client({ reconnect: FAST });
    const connecting = client.connect();
    const socket = await server.accept();
    await connecting;
    socket.end(code);
    await server.accept();
  });
});

describe('retryOn', () => {
  let server: FakeServer;

  beforeEach(() => {
    server = new FakeServer();
  });

  it('is called with the error and the number of the next attempt', async () => {
    const calls: unknown[] = [];
    const client = server.client({
      reconnect: FAST,
      retryOn: (error, attempt) => {
        calls.push([(error as DisconnectedError).closeCode, attempt]);
        return attempt < 3;
      },
    });
    const connecting = client.connect();
    const socket = await server.accept();
    await connecting;
    const errors: unknown[] = [];
    const stopped = new Promise<void>((resolve) => {
      client.on('error', ({ error }) => {
        errors.push(error);
        resolve();
      });
    });
    socket.end(1001);
    (await server.dialed()).end(1006);
    (await server.dialed()).end(1013);
    await stopped;
    expect(calls).toEqual([
      [1001, 1],
      [1006, 2],
      [1013, 3],
    ]);
    expect([client.status, server.dials]).toEqual(['disconnected', 3]);
    expect(errors).toMatchObject([{ code: 'DISCONNECTED', closeCode: 1013 }]);
  });

  it('ends the wait of operations with the error', async () => {
    const client = server.client({ reconnect: FAST, retryOn: () => false });
    const waiting = [client.connect({ retry: true }), client.request('a'), client.signal('b')].map(outcome);
    (await server.dialed()).end(1006);
    for (const text of await Promise.all(waiting)) expect(text).toMatch(/^DISCONNECTED: could not connect/);
    expect([client.status, server.dials]).toEqual(['disconnected', 1]);
  });

  it('also decides after a lost connection', async () => {
    const client = server.client({ reconnect: FAST, retryOn: () => false });
    const connecting = client.connect();
    const socket = await server.accept();
    await connecting;
    const ended = new Promise((resolve) => client.on('disconnected', resolve));
    socket.end(1001);
    expect(await ended).toMatchObject({ willReconnect: false });
    expect(client.status).toBe('disconnected');
  });

  it('is not called if the client would not try again', async () => {
    const retryOn = vi.fn<() => boolean>(() => true);
    const client = server.client({ retryOn });
    const connecting = outcome(client.connect());
    (await server.dialed()).end();
    await connecting;
    const closing = outcome(client.connect());
    await server.accept();
    await closing;
    await client.close();
    expect(retryOn).not.toHaveBeenCalled();
  });

  it('that returns nothing lets the client try again', async () => {
    const client = server.client({ reconnect: FAST, retryOn: (() => undefined) as never });
    const connecting = client.connect({ retry: true });
    (await server.dialed()).end();
    await server.accept();
    await connecting;
  });

  it('that throws lets the client try again, and is reported', async () => {
    const client = server.client({
      reconnect: FAST,
      retryOn() {
        throw new Error('broken');
      },
    });
    const errors: unknown[] = [];
    client.on('error', ({ error }) => errors.push(error));
    const connecting = client.connect({ retry: true });
    (await server.dialed()).end();
    await server.accept();
    await connecting;
    expect(errors).toMatchObject([{ message: 'broken' }]);
  });

  it.each<[string, () => unknown]>([
    ['resolves', async () => false],
    ['rejects', () => Promise.reject(new Error('broken'))],
  ])('that returns a promise, which %s, lets the client try again, and is reported', async (_how, retryOn) => {
    const unhandled: unknown[] = [];
    const record = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', record);
    onTestFinished(() => void process.off('unhandledRejection', record));
    const client = server.client({ reconnect: FAST, retryOn: retryOn as () => boolean });
    const errors: unknown[] = [];
    client.on('error', ({ error }) => errors.push(error));
    const connecting = client.connect({ retry: true });
    (await server.dialed()).end();
    await server.accept();
    await connecting;
    expect(errors).toMatchObject([{ message: 'the option retryOn returned a promise' }]);
    expect(unhandled).toEqual([]);
  });

  it('may close the client', async () => {
    const client = server.client({
      reconnect: FAST,
      retryOn() {
        void client.close();
        return true;
      },
    });
    const connecting = client.connect();
    const socket = await server.accept();
    await connecting;
    socket.end(1001);
    await nextTurn();
    await client.close();
    expect([client.status, server.dials]).toEqual(['closed', 1]);
  });
});

class TokenGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const { url, headers } = context.switchToHttp().getRequest<IncomingMessage>();
    const token = new URL(url!, 'ws://localhost').searchParams.get('token') ?? headers.authorization;
    AuthGateway.tokens.push(token);
    if (token !== AuthGateway.valid) throw new UnauthorizedException('token expired');
    return true;
  }
}

@UseHandshakeGuards(TokenGuard)
@WebwireGateway()
class AuthGateway {
  static valid: string | undefined;
  static tokens: (string | undefined)[] = [];

  @WebwireRequest('ping') ping() {}

  @WebwireRequest('expire') async expire(@ConnectedSocket() connection: WebwireConnection) {
    await connection.close({ code: 4401, reason: 'token expired' });
  }

  @WebwireRequest('restart') async restart(@ConnectedSocket() connection: WebwireConnection) {
    await connection.close();
  }
}

/** Accepts every connection, and closes those with a bad token: with a code that browsers show, in contrast to an HTTP status. */
@WebwireGateway({ path: '/admission' })
class AdmissionGateway {
  async handleConnection(connection: WebwireConnection) {
    const [, token] = connection.request.url.split('token=');
    if (token === 'old') await connection.close({ code: 4000, reason: 'token expired' });
    if (token === 'wrong') await connection.close({ code: 4401, reason: 'sign in again' });
  }

  @WebwireRequest('ping') ping() {}
}

describe.each(['ws', 'memory'])('tokens that expire, over %s', (kind) => {
  let app: TestApp;
  let transport: MemoryTransport;
  const clients: WebwireClient[] = [];

  beforeEach(async () => {
    transport = new MemoryTransport();
    AuthGateway.tokens = [];
    AuthGateway.valid = 'token-1';
    app = await TestApp.start(
      { providers: [AuthGateway, TokenGuard, AdmissionGateway] },
      { sessions: false, ...(kind === 'memory' && { transport }) },
    );
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await app.close();
  });

  function create(url: Fresh<ClientUrl>, options: ClientOptions = {}): WebwireClient {
    const webSocket = kind === 'memory' ? transport.webSocket : WebSocket;
    const client = new WebwireClient(url, { webSocket, reconnect: FAST, ...options });
    clients.push(client);
    return client;
  }

  it.each<[string, (token: () => Promise<string>) => WebwireClient]>([
    ['the URL', (token) => create(async () => `${app.url()}?token=${await token()}`)],
    ['the headers', (token) => create(app.url(), { headers: async () => ({ authorization: await token() }) })],
  ])('are refreshed in %s', async (_where, make) => {
    const client = make(async () => AuthGateway.valid!);
    await client.request('ping');
    AuthGateway.valid = 'token-2';
    const lost = new Promise((resolve) => client.on('disconnected', resolve));
    await client.request('restart');
    await lost;
    await client.request('ping');
    expect(AuthGateway.tokens).toEqual(['token-1', 'token-2']);
  });

  it('are told apart by the HTTP status, with which `retryOn` can stop the attempts', async () => {
    const retryOn = vi.fn<(error: Error, attempt: number) => boolean>(
      (error) => (error as DisconnectedError).status !== 401,
    );
    const client = create(app.url(), { headers: { authorization: 'token-0' }, retryOn });
    const error = await client.request('ping').catch((reason: DisconnectedError) => reason);
    expect(error).toMatchObject({ code: 'DISCONNECTED', status: 401 });
    expect((error as Error).message).toMatch('the server answered HTTP 401');
    expect(AuthGateway.tokens).toEqual(['token-0']);
    expect([client.status, retryOn.mock.calls]).toEqual(['disconnected', [[error, 1]]]);
  });

  it('end a connection with a code and a reason that the client shows', async () => {
    const client = create(app.url(), { headers: { authorization: 'token-1' } });
    const ended = new Promise((resolve) => client.on('disconnected', resolve));
    await client.request('expire');
    expect(await ended).toMatchObject({
      code: 4401,
      reason: 'token expired',
      willReconnect: false,
      error: { message: expect.stringMatching(/close code 4401 "token expired"$/) },
    });
  });

  it('reject `connect()` by a request of `onConnect`, although the server accepts the connection first', async () => {
    const onConnect = (client: WebwireClient) => client.request('ping');
    const client = create(`${app.url()}admission?token=wrong`, { onConnect } as ClientOptions);
    const connected = vi.fn<() => void>();
    client.on('connected', connected);
    await expect(client.connect({ retry: true })).rejects.toMatchObject({ closeCode: 4401, reason: 'sign in again' });
    expect([client.status, connected.mock.calls]).toEqual(['disconnected', []]);
  });

  it('are fetched again for the next attempt after a code that is not final', async () => {
    const tokens = ['old', 'fresh'];
    const client = create(() => `${app.url()}admission?token=${tokens.shift()}`);
    // The connection may be lost before the request is sent, or while it is in flight.
    await client.request('ping').catch(() => client.request('ping'));
    expect(tokens).toEqual([]);
  });

  it.each([
    [{ code: 3000 }, /close\.code is 3000, but must be 1000, or an integer from 4000 to 4999/],
    [{ code: 4000.5 }, /close\.code/],
    [{ code: '4000' }, /close\.code/],
    [{ reason: 'ї'.repeat(62) }, /close\.reason is .*, but must be a string of at most 123 bytes in UTF-8/],
    [{ reasons: 'typo' }, /no option close\.reasons/],
    [4000, /WebWire option close is 4000, but must be an object of options/],
  ])('leave the connection open if the application closes it with %j', async (options, message) => {
    const client = create(app.url(), { headers: { authorization: 'token-1' } });
    await client.connect();
    const [connection] = app.get(WebwireService).connections;
    await expect(connection!.close(options as never)).rejects.toThrow(message);
    expect(connection!.isActive).toBe(true);
  });
});
