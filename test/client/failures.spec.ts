import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { inspect } from 'node:util';
import { expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { DisconnectedError, WebwireClient, type ClientOptions } from 'nestjs-webwire/client';
import { FakeServer, nextTurn } from './fake-server.js';

const SECRETS = /hunter2|t0ken|s3cret/;

async function listen(server: TcpServer): Promise<string> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Rejects upgrades with an HTTP response. */
function refusing(response: (url: string | undefined, authorization: string | undefined) => string): Server {
  return createServer().on('upgrade', ({ url, headers }, socket) => socket.end(response(url, headers.authorization)));
}

async function failureOf(url: string, options: ClientOptions = {}): Promise<DisconnectedError> {
  const client = new WebwireClient(url, { webSocket: WebSocket, dialTimeout: 500, ...options });
  const error = (await client.connect().catch((failure: unknown) => failure)) as DisconnectedError;
  await client.close();
  return error;
}

/** A WebSocket that cannot be made. */
function unmakeable(cause: unknown): typeof WebSocket {
  return class {
    constructor() {
      throw cause;
    }
  } as unknown as typeof WebSocket;
}

it('a refused upgrade is reported with status and body', async () => {
  const host = await listen(refusing(() => 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 13\r\n\r\ntoken expired'));
  const error = await failureOf(`ws://${host}/chat`);
  expect(error).toBeInstanceOf(DisconnectedError);
  expect(error).toMatchObject({ status: 401, closeCode: 1006, cause: { message: 'Unexpected server response: 401' } });
  expect(error.message).toMatch(
    new RegExp(
      `^could not connect to ws://${host}/chat \\(after \\d+ ms\\): the server answered HTTP 401 Unauthorized: "token expired"$`,
    ),
  );
});

it('a body is shown in part, escaped, and not waited for', async () => {
  const host = await listen(
    createServer().on('upgrade', (_request, socket) => {
      socket.on('error', () => undefined);
      socket.write(`HTTP/1.1 503 Busy\r\nContent-Length: 999999\r\n\r\n\u001b[31m\n${'x'.repeat(5_000)}`);
    }),
  );
  const { message, status } = await failureOf(`ws://${host}`, { dialTimeout: 5_000 });
  expect(status).toBe(503);
  expect(message).toContain('"\\u001b[31m\\nxxx');
  expect(message.length).toBeLessThan(400);
});

it('the error for an HTTP server without WebSockets asks about the path', async () => {
  const host = await listen(createServer((_request, response) => void response.writeHead(404).end('Cannot GET /')));
  const { message, status } = await failureOf(`ws://${host}`);
  expect(status).toBe(404);
  expect(message).toContain('HTTP 404 Not Found: "Cannot GET /"; is there a WebWire server at this path?');
});

it('a WebSocket server that echoes is named', async () => {
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => wss.once('listening', resolve));
  onTestFinished(() => {
    wss.close();
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  let opened: Promise<unknown> | undefined;
  class Observed extends WebSocket {
    constructor(url: string) {
      super(url);
      opened = new Promise((resolve) => {
        this.once('open', resolve);
      });
    }
  }
  const { port } = wss.address() as AddressInfo;
  const failing = failureOf(`ws://127.0.0.1:${port}`, { webSocket: Observed });
  await opened;
  await nextTurn();
  await vi.advanceTimersByTimeAsync(500);
  expect((await failing).message).toBe(
    `could not connect to ws://127.0.0.1:${port}/ within 500 ms: the server sent no first message`,
  );
});

it.each([
  ['nobody', 'nothing accepts connections there (ECONNREFUSED)'],
  ['a server of another protocol', 'the server does not speak HTTP (HPE_INVALID_CONSTANT)'],
  ['a server that hangs up', 'the server hung up (ECONNRESET)'],
])('the cause is named: %s', async (who, why) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    if (who === 'a server that hangs up') socket.destroy();
    else socket.end('SSH-2.0-OpenSSH\r\n');
  });
  const host = await listen(server);
  if (who === 'nobody') await new Promise((resolve) => server.close(resolve));
  expect((await failureOf(`ws://${host}`)).message).toContain(why);
});

it('TLS at a server without is named', async () => {
  const host = await listen(createServer());
  expect((await failureOf(`wss://${host}`)).message).toMatch(/TLS failed \(EPROTO\)|TLS failed \(ERR_SSL/);
});

it('a name that does not exist is named', async () => {
  const resolving = Object.assign(new Error('getaddrinfo ENOTFOUND nowhere.invalid'), { code: 'ENOTFOUND' });
  class Offline extends WebSocket {
    constructor(url: string) {
      super(url, {
        lookup: (_name: string, _options: object, done: (error: Error) => void) => done(resolving),
      } as object);
    }
  }
  const error = await failureOf('ws://nowhere.invalid', { webSocket: Offline });
  expect(error).toMatchObject({ cause: resolving });
  expect(error.message).toContain('the host name was not found (ENOTFOUND)');
});

it('no secret of URL or headers is in an error, even if the server repeats it', async () => {
  const host = await listen(
    refusing((url, authorization) => {
      const body = `Cannot GET ${url}, not even with ${authorization}`;
      return `HTTP/1.1 403 Forbidden\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    }),
  );
  class Authorized extends WebSocket {
    constructor(url: string) {
      super(url, { headers: { 'x-api-key': 'k-s3cret-k', authorization: 'Bearer t0ken-of-header' } });
    }
  }
  const error = await failureOf(`ws://ann:hunter2@${host}/a?token=t0ken%201&b=1`, { webSocket: Authorized });
  expect(error.message).toContain(`could not connect to ws://${host}/a `);
  expect(error.message).toContain('Cannot GET /a?…');
  expect(inspect(error, { depth: 9 })).not.toMatch(SECRETS);
});

it.each([
  [new SyntaxError('Invalid URL: ws://ann:hunter2@localhost/?token=t0ken')],
  [
    Object.assign(new TypeError('Invalid URL'), {
      code: 'ERR_INVALID_URL',
      input: 'ws://ann:hunter2@localhost/?token=t0ken',
    }),
  ],
  [new Error('failed', { cause: new Error("connection to 'ws://ann:hunter2@localhost/?token=t0ken' failed") })],
])('nor in its cause: %o', async (cause) => {
  const server = new FakeServer();
  const client = server.client({ reconnect: false }, 'ws://ann:hunter2@localhost/?token=t0ken');
  const connecting = client.connect().catch((error: Error) => error);
  (await server.dialed()).end(1006, '', cause);
  const error = (await connecting) as Error;
  expect(inspect(error, { depth: 9 })).not.toMatch(SECRETS);
  expect((error.cause as Error).name).toBe(cause.name);
});

const LONG = 'eyJhbGciOiJSUzI1NiJ9.' + 'aB3dEfGh'.repeat(200);

it.each([
  ['in the text of the status', 't0ken-1', 'HTTP/1.1 401 No t0ken-1\r\nContent-Length: 0'],
  ['decoded as a form', 't0ken+1%2Fs3cret', 'bad token t0ken 1/s3cret'],
  ['escaped in HTML', 't0ken%22%26s3cret', 'bad token t0ken&quot;&amp;s3cret'],
  ['escaped in JSON', 't0ken%22%5Cs3cret', String.raw`{"message":"bad token t0ken\"\\s3cret"}`],
  ['escaped in a URL', 't0ken/s3cret==', 'bad token t0ken%2Fs3cret%3d%3D'],
  ['with other letters than those of ASCII', 't0ken-%C3%BC-s3cret', 'bad token t0ken-%c3%bc-s3cret, t0ken-ü-s3cret'],
  ['and is longer than what is read of the body', `t0ken${LONG}`, `bad token t0ken${LONG}`],
  ['but not all of it', `t0ken${LONG}`, `bad token t0ken${LONG.slice(0, 50)}`],
])('no secret that the server repeats is in an error: %s', async (_how, token, answer) => {
  const response = answer.startsWith('HTTP')
    ? answer
    : `HTTP/1.1 401 No\r\nContent-Length: ${Buffer.byteLength(answer)}`;
  const body = answer.startsWith('HTTP') ? '' : answer;
  const host = await listen(refusing(() => `${response}\r\n\r\n${body}`));
  const error = await failureOf(`ws://${host}/?v=1&token=${token}`);
  expect(inspect(error, { depth: 9 })).not.toMatch(/t0ken|s3cret|aB3d/);
  expect(error.message).toContain('the server answered HTTP 401 No');
});

it('nor in the close reason of the server', async () => {
  const server = new FakeServer();
  const client = server.client({ reconnect: false }, 'ws://localhost/?token=t0ken');
  const told: unknown[] = [];
  client.on('disconnected', ({ error, reason }) => told.push(inspect(error), reason));
  const connecting = client.connect().catch((error: Error) => error);
  (await server.dialed()).open().end(4001, 'bad t0ken');
  expect(inspect(await connecting)).not.toMatch(SECRETS);
  const again = client.connect();
  const socket = await server.accept();
  await again;
  socket.end(4001, 'bad t0ken');
  await nextTurn();
  expect(told).toEqual([expect.not.stringMatching(SECRETS), 'bad …']);
});

it.each([
  ['deep inside', { a: { b: { c: { d: { e: 't0ken' } } } } }],
  ['in a Map', { headers: new Map([['cookie', 't0ken']]) }],
  ['in one of several errors', { errors: [new Error('t0ken')] }],
])('a cause that holds a secret %s is replaced', async (_where, content) => {
  const cause = Object.assign(new TypeError('failed'), content);
  const error = await failureOf('ws://localhost/?token=t0ken', { webSocket: unmakeable(cause) });
  expect(inspect(error, { depth: 9 })).not.toMatch(SECRETS);
  expect(error.cause).toMatchObject({ name: 'TypeError', message: 'failed' });
});

it.each(['message', 'code', 'detail'])(
  'a failure is reported although the %s of its cause cannot be read',
  async (name) => {
    const get = () => {
      throw new Error('not readable');
    };
    const cause = Object.defineProperty(new Error('failed'), name, { enumerable: true, get });
    const error = await failureOf('ws://localhost/', { webSocket: unmakeable(cause) });
    expect(error).toMatchObject({ code: 'DISCONNECTED', message: expect.stringContaining('could not connect') });
  },
);

it.each([
  'wsss://ann:hunter2@host/',
  'ann:hunter2@host',
  'ws//ann:hunter2@host?token=t0ken',
  'wsss://ann:h/unter2?hunter2@host',
  'nowhere?token=t0ken#s3cret',
  'nowhere#s3cret@host?token=t0ken',
  'ws://ann:hunter2@',
])('nor in the error for a URL that cannot be used: %s', (url) => {
  expect(() => new WebwireClient(url, { webSocket: WebSocket })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.not.stringMatching(SECRETS) }),
  );
});

it('a timeout without a connection has the reason in its message', async () => {
  const server = createTcpServer();
  const host = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  const client = new WebwireClient(`ws://${host}`, { webSocket: WebSocket });
  onTestFinished(() => client.close());
  const error = await client.request('a', 'b', { timeout: 300 }).catch((failure: Error) => failure);
  expect(error).toMatchObject({ code: 'TIMEOUT', cause: { code: 'DISCONNECTED' } });
  expect((error as Error).message).toMatch(/^timeout after 300 ms: no connection: could not connect to .*ECONNREFUSED/);
});
