import { Controller, Get } from '@nestjs/common';
import { WebSocketServer } from '@nestjs/websockets';
import {
  WebwireGateway,
  WebwireRequest,
  WsTransport,
  type Transport,
  type WebwireModuleOptions,
  type WebwireServer,
} from 'nestjs-webwire';
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as passIo } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer as WsServer } from 'ws';
import { deferred, type Deferred } from '../support/deferred.js';
import { refusal } from '../support/refusal.js';
import { TcpClient, UPGRADE } from '../support/tcp-client.js';
import { TestApp } from '../support/test-app.js';

/** Longer than any test may take. */
const NEVER = 2_147_483_647;

const NOT_HERE = '404 no WebWire server here';

let work: Deferred;
let started: Deferred;

@WebwireGateway({ path: '/wire' })
class Wire {
  @WebSocketServer() server!: WebwireServer;
  connections = 0;
  readonly refusals: string[] = [];
  afterInit(server: WebwireServer) {
    server.on('refusal', ({ request, status }) => void this.refusals.push(`${request.url} ${status}`));
  }
  handleConnection() {
    this.connections++;
  }
  @WebwireRequest('hello') hello() {
    return 'hello';
  }
  @WebwireRequest('slow') async slow() {
    started.resolve();
    await work.promise;
    return 'done';
  }
}

@Controller()
class Routes {
  @Get('slow') async slow() {
    started.resolve();
    await work.promise;
    return 'answered';
  }
}

type UpgradeListener = (request: IncomingMessage, socket: Socket, head: Buffer) => void;

const opened: TestApp[] = [];
let app: TestApp;
let httpServer: Server;

async function start(options: WebwireModuleOptions = {}): Promise<void> {
  work = deferred();
  started = deferred();
  app = await TestApp.start({ providers: [Wire], controllers: [Routes] }, { handshakeTimeout: NEVER, ...options });
  opened.push(app);
  httpServer = app.app.getHttpServer() as Server;
}

afterEach(async () => {
  work.resolve();
  for (const one of opened.splice(0).toReversed()) await one.close();
});

/** Sends an upgrade request that stays unanswered; resolves when the server has received it. */
async function askFor(path: string): Promise<TcpClient> {
  const client = await TcpClient.connect(app.port);
  const asked = once(httpServer, 'asked');
  client.send(UPGRADE.replace('GET /', `GET ${path}`));
  await asked;
  return client;
}

async function hello(path = '/wire'): Promise<string> {
  const client = await app.connect(path);
  const answer = await client.ask('hello');
  await client.close();
  return answer;
}

/** Ignores all upgrades but emits `asked`. */
const ignore: UpgradeListener = () => void httpServer.emit('asked');

describe('an upgrade without a taker', () => {
  it('ends at once without other listeners', async () => {
    await start();
    expect(await refusal(app.url('/nowhere'))).toBe(NOT_HERE);
    expect(app.get(Wire).refusals).toEqual(['/nowhere 404']);
  });

  it.each<[string, UpgradeListener]>([
    ['leaves it alone', () => undefined],
    [
      'takes other sub-protocols only, as that of Vite',
      ({ headers }, socket) => void (headers['sec-websocket-protocol'] === 'vite-hmr' && socket.destroy()),
    ],
    ['is asynchronous', () => void passIo()],
    ['listens for errors of the socket only', (_request, socket) => void socket.on('error', () => undefined)],
  ])('ends within handshakeTimeout beside a listener that %s', async (_what, listener) => {
    await start({ handshakeTimeout: 30 });
    httpServer.on('upgrade', listener);
    expect(await refusal(app.url('/nowhere'))).toBe(NOT_HERE);
    expect(app.get(Wire).refusals).toEqual(['/nowhere 404']);
    expect(await hello()).toBe('utf8 hello');
  });

  it('ends within handshakeTimeout beside a listener that listens once, the next one at once', async () => {
    await start({ handshakeTimeout: 30 });
    httpServer.prependOnceListener('upgrade', ignore);
    expect(await refusal(app.url('/nowhere'))).toBe(NOT_HERE);
    expect(await refusal(app.url('/nowhere'))).toBe(NOT_HERE);
  });

  it('ends at once when the other listener has been removed', async () => {
    await start();
    httpServer.on('upgrade', ignore).off('upgrade', ignore);
    expect(await refusal(app.url('/nowhere'))).toBe(NOT_HERE);
  });

  it('leaves nothing behind when its client goes away', async () => {
    await start();
    httpServer.on('upgrade', ignore);
    const client = await askFor('/nowhere');
    client.socket.resetAndDestroy();
    await expect.poll(() => connectionsOf(httpServer)).toBe(0);
  });

  it('leaves no sockets or listeners, even if there are many', async () => {
    await start({ handshakeTimeout: 30 });
    for (const listener of [() => undefined, ignore]) {
      httpServer.on('upgrade', listener);
      const answers = Array.from({ length: 300 }, () => refusal(app.url('/nowhere')));
      expect(new Set(await Promise.all(answers))).toEqual(new Set([NOT_HERE]));
      httpServer.off('upgrade', listener);
    }
    await expect.poll(() => connectionsOf(httpServer)).toBe(0);
  });

  it('does not keep the application from closing', async () => {
    await start();
    httpServer.on('upgrade', ignore);
    const client = await askFor('/nowhere');
    await app.close();
    expect(await client.ended).toContain('404 Not Found');
  });

  it('does not keep the application from closing when its listener only reads', async () => {
    await start();
    httpServer.on('upgrade', (_request, socket: Socket) => {
      socket.resume();
      httpServer.emit('asked');
    });
    const client = await askFor('/nowhere');
    await app.close();
    expect(await client.ended).toContain('404 Not Found');
  });

  it('does not keep the application from closing when it comes meanwhile', async () => {
    await start();
    httpServer.on('upgrade', ignore);
    const busy = await app.connect('/wire');
    busy.send('slow');
    await started.promise;
    const closed = app.app.close();
    const [before, own] = [await askFor('/nowhere'), refusal(app.url('/wire'))];
    expect(await own).toBe('503 server shutting down');
    work.resolve();
    await closed;
    expect(await before.ended).toContain('404 Not Found');
  });

  it.each([
    ['alone', []],
    ['beside another listener', [ignore]],
  ])('does not keep the application from closing when it waits for a response (%s)', async (_where, listeners) => {
    await start({ handshakeTimeout: 30 });
    for (const listener of listeners) httpServer.on('upgrade', listener);
    const client = await TcpClient.connect(app.port);
    client.send(`GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n${UPGRADE}`);
    await started.promise;
    const closed = app.app.close();
    await once(app.get(Wire).server, 'shutdown');
    work.resolve();
    await closed;
    expect(await client.ended).toMatch(/^HTTP\/1\.1 200 OK[^]*answeredHTTP\/1\.1 404 Not Found/);
  });
});

describe('an upgrade that another listener takes', () => {
  /** Calls `first` at once for an upgrade of `/theirs`, and answers it after `handshakeTimeout`. */
  async function takeLate(first: (socket: Socket) => void): Promise<TcpClient> {
    await start({ handshakeTimeout: 30 });
    const late = deferred();
    httpServer.on('upgrade', ({ url }, socket: Socket) => {
      if (url !== '/theirs') return;
      first(socket);
      void late.promise.then(() => socket.writableEnded || socket.end('HTTP/1.1 101 Theirs\r\n\r\n'));
      httpServer.emit('asked');
    });
    const client = await askFor('/theirs');
    expect(await refusal(app.url('/nowhere'))).toBe(NOT_HERE);
    late.resolve();
    return client;
  }

  it.each<[string, (socket: Socket) => void]>([
    ['has begun to read', (socket) => void socket.on('data', () => undefined)],
    ['reads chunk by chunk', (socket) => void socket.on('readable', () => socket.read())],
    ['has paused it', (socket) => void socket.pause()],
  ])('is left to it however long it takes, once it %s', async (_what, first) => {
    const client = await takeLate(first);
    await client.received('HTTP/1.1 101 Theirs\r\n\r\n');
    client.socket.destroy();
  });

  it('is left to it after it has answered', async () => {
    const client = await takeLate((socket) => void socket.write('HTTP/1.1 100 Wait\r\n\r\n'));
    await client.received('HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 101 Theirs\r\n\r\n');
    client.socket.destroy();
  });

  it('is left to it after it has ended it', async () => {
    const client = await takeLate((socket) => void socket.end('HTTP/1.1 403 Theirs\r\n\r\n'));
    expect(await client.ended).toBe('HTTP/1.1 403 Theirs\r\n\r\n');
  });

  it('works at any time within handshakeTimeout', async () => {
    await start();
    const theirs = new WsServer({ noServer: true });
    httpServer.on('upgrade', (request, socket: Socket, head) => {
      void passIo().then(() => theirs.handleUpgrade(request, socket, head, (own) => own.close(4000, 'theirs')));
    });
    const [code] = (await once(new WebSocket(app.url('/theirs')), 'close')) as [number];
    expect(code).toBe(4000);
  });
});

describe('a listener that answers all other paths', () => {
  const LISTENERS: [string, (server: Server) => void][] = [
    ['a WebSocketServer of ws with a path', (server) => void new WsServer({ server, path: '/theirs' })],
    [
      'one that destroys what it does not serve',
      (server) => void server.on('upgrade', ({ url }, socket) => void (url !== '/theirs' && socket.destroy())),
    ],
    ['one that destroys first', (server) => void server.prependListener('upgrade', (_, socket) => socket.destroy())],
    [
      'one that listens once',
      (server) => void server.prependOnceListener('upgrade', (_request, socket) => socket.destroy()),
    ],
  ];

  it.each(LISTENERS)('(%s) does not get clients of WebWire', async (_what, listen) => {
    await start();
    listen(httpServer);
    for (let n = 1; n <= 3; n++) {
      expect(await hello()).toBe('utf8 hello');
      expect(app.get(Wire).connections).toBe(n);
    }
  });

  it.each(LISTENERS)('(%s) may be there before', async (_what, listen) => {
    work = deferred();
    app = await TestApp.start({ providers: [Wire] }, {}, (nest) => listen(nest.getHttpServer() as Server));
    opened.push(app);
    expect(await hello()).toBe('utf8 hello');
  });

  it('serves its own clients, and refuses others as it likes', async () => {
    await start();
    const theirs = new WsServer({ server: httpServer, path: '/theirs' });
    theirs.on('connection', (socket) => socket.close(4000));
    const [code] = (await once(new WebSocket(app.url('/theirs')), 'close')) as [number];
    expect(code).toBe(4000);
    expect(await refusal(app.url('/nowhere'))).toBe('400 Bad Request');
    theirs.close();
  });
});

describe('one HTTP server', () => {
  it('may have gateways with transports of their own', async () => {
    @WebwireGateway({ path: '/other', transport: new WsTransport({ perMessageDeflate: true }) })
    class Other {
      @WebSocketServer() server!: WebwireServer;
      @WebwireRequest('hello') hello() {
        return 'other';
      }
    }
    work = deferred();
    app = await TestApp.start({ providers: [Wire, Other] }, { handshakeTimeout: NEVER });
    opened.push(app);
    const refused = once(app.get(Other).server, 'refusal');
    expect(await hello()).toBe('utf8 hello');
    expect(await hello('/other')).toBe('utf8 other');
    expect(await refusal(app.url('/nowhere'))).toBe(NOT_HERE);
    expect(await refused).toMatchObject([{ status: 404 }]);
    expect(app.get(Wire).refusals).toEqual(['/nowhere 404']);
  });

  it('may be shared by applications', async () => {
    await start();
    const transports = new WsTransport();
    const transport: Transport = { listen: (server) => transports.listen(server, { httpServer }) };
    @WebwireGateway({ path: '/other', transport })
    class Other {
      @WebwireRequest('hello') hello() {
        return 'other';
      }
    }
    const second = await TestApp.start({ providers: [Other] });
    opened.push(second);
    expect(await hello()).toBe('utf8 hello');
    expect(await hello('/other')).toBe('utf8 other');
    await second.close();
    expect(await refusal(app.url('/other'))).toBe(NOT_HERE);
    expect(await hello()).toBe('utf8 hello');
  });

  it('cannot have two servers with one path, even with different transports', async () => {
    await start();
    const listening = new WsTransport().listen(app.get(Wire).server, { httpServer });
    await expect(listening).rejects.toThrow('two WebWire servers claim the path /wire of one HTTP server');
  });

  it('routes upgrades even if something replaces its emit', async () => {
    await start();
    Reflect.deleteProperty(httpServer, 'emit');
    expect(await hello()).toBe('utf8 hello');
  });
});

it('an upgrade that follows a request on its connection is answered after it', async () => {
  await start();
  const client = await TcpClient.connect(app.port);
  client.send(`GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n${UPGRADE.replace('GET /', 'GET /wire')}`);
  await started.promise;
  expect(await hello()).toBe('utf8 hello');
  work.resolve();
  expect(await client.received('101 Switching Protocols')).toMatch(/^HTTP\/1\.1 200 OK[^]*answeredHTTP\/1\.1 101 /);
  client.socket.destroy();
});

it('a client that goes away while its upgrade waits for a response is forgotten', async () => {
  await start();
  const client = await TcpClient.connect(app.port);
  client.send(`GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n${UPGRADE.replace('GET /', 'GET /wire')}`);
  await started.promise;
  client.socket.resetAndDestroy();
  await expect.poll(() => connectionsOf(httpServer)).toBe(0);
  work.resolve();
  expect(await hello()).toBe('utf8 hello');
  expect(app.get(Wire).connections).toBe(1);
});

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((_error, count) => resolve(count));
  });
}
