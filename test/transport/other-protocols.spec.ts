import { Body, Controller, Get, Module, Post, Req, type INestApplication } from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WebwireGateway, WebwireModule } from 'nestjs-webwire';
import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import http2 from 'node:http2';
import { request as secureRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectSecurely } from 'node:tls';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { ca, tls } from '../support/certificate.js';
import { deferred, type Deferred } from '../support/deferred.js';
import { DROPS_REQUESTS, dropsRequests } from '../support/dropped-requests.js';
import { TcpClient, UPGRADE } from '../support/tcp-client.js';

/** Longer than any test may take. */
const HOUR = 60 * 60 * 1000;

let work: Deferred;
let started: Deferred;

@Controller()
class Routes {
  @Get('get') get(@Req() { headers, rawHeaders }: IncomingMessage) {
    return { headers, rawHeaders };
  }
  @Post('post') post(@Body() body: unknown) {
    return { body };
  }
  @Get('slow') async slow() {
    started.resolve();
    await work.promise;
    return 'slow';
  }
}

@WebwireGateway()
class Gateway {}

const opened: INestApplication[] = [];

async function start(
  adapter: AbstractHttpAdapter,
  hasGateway: boolean,
  options = {},
  handshakeTimeout = 30,
): Promise<INestApplication> {
  work = deferred();
  started = deferred();
  const imports = hasGateway ? [WebwireModule.forRoot({ handshakeTimeout })] : [];
  @Module({ imports, controllers: [Routes], providers: hasGateway ? [Gateway] : [] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, adapter, { logger: false, ...options });
  opened.push(app);
  await app.listen(0, '127.0.0.1');
  return app;
}

afterEach(async () => {
  work.resolve();
  for (const app of opened.splice(0)) await app.close();
});

function portOf(app: INestApplication): number {
  return ((app.getHttpServer() as Server).address() as AddressInfo).port;
}

const H2C = 'Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n';
const HOST = 'Host: localhost\r\n';
const JSON_BODY = 'Content-Type: application/json\r\nContent-Length: 11\r\n\r\n{"a":"bcd"}';
const LAST = `GET /get?last HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;

const H2C_OPEN = H2C.replace(', close', '');

/** Requests after whose response the server must close the connection. */
const REQUESTS: [string, string][] = [
  ['h2c', `GET /get HTTP/1.1\r\n${HOST}${H2C}\r\n`],
  ['TLS', `GET /get HTTP/1.1\r\n${HOST}Connection: close, upgrade\r\nUpgrade: TLS/1.0\r\n\r\n`],
  ['a list of protocols', `GET /get HTTP/1.1\r\n${HOST}Connection: close, UPGRADE ,b\r\nUpgrade: foo/2, bar\r\n\r\n`],
  [
    'a protocol of a name like websocket',
    `GET /get HTTP/1.1\r\n${HOST}Connection: Upgrade, close\r\nUpgrade: websocket2\r\n\r\n`,
  ],
  ['h2c with a body', `POST /post HTTP/1.1\r\n${HOST}${H2C}${JSON_BODY}`],
  [
    'h2c with a body in chunks',
    `POST /post HTTP/1.1\r\n${HOST}${H2C}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n` +
      '6\r\n{"a":"\r\n5\r\nbcd"}\r\n0\r\n\r\n',
  ],
  ['h2c with a body that is no JSON', `POST /post HTTP/1.1\r\n${HOST}${H2C}${JSON_BODY.replace('{"a', '{{a')}`],
  ['h2c to no route', `GET /none HTTP/1.1\r\n${HOST}${H2C}\r\n`],
  ['h2c with HEAD', `HEAD /get HTTP/1.1\r\n${HOST}${H2C}\r\n`],
  ['h2c that expects 100', `POST /post HTTP/1.1\r\n${HOST}Expect: 100-continue\r\n${H2C}${JSON_BODY}`],
  ['h2c with HTTP/1.0', `GET /get HTTP/1.0\r\n${HOST}${H2C}\r\n`],
  ['h2c with Proxy-Connection', `GET /get HTTP/1.1\r\n${HOST}Proxy-${H2C}Connection: close\r\n\r\n`],
  ['h2c without Host', `GET /get HTTP/1.1\r\n${H2C}\r\n`],
  [
    'h2c with odd headers',
    `GET /get HTTP/1.1\r\nHost:  localhost \r\nX-Odd: \xff:\t a\r\nX-Odd: b\r\nX-None:\r\n${H2C}\r\n`,
  ],
];

describe.each<[string, () => AbstractHttpAdapter]>([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('on %s, a request that offers', (_platform, adapter) => {
  /** The responses to several requests, without the parts that differ in each run. */
  async function answers(hasGateway: boolean, pieces: Iterable<string>): Promise<string> {
    const client = await TcpClient.connect(portOf(await start(adapter(), hasGateway)));
    client.socket.setNoDelay();
    for (const piece of pieces) {
      await new Promise<void>((resolve) => {
        client.socket.write(piece, 'latin1', () => resolve());
      });
    }
    return (await client.ended).replaceAll(/\r\nDate: [^\r]*/gi, '');
  }

  it.each(REQUESTS)('%s is answered as without a gateway', async (_what, request) => {
    const expected = await answers(false, [request]);
    expect(expected).toMatch(/^HTTP\/1\.1 /);
    expect(await answers(true, [request])).toBe(expected);
  });

  it.each(REQUESTS.slice(4, 6))('%s may come byte by byte', async (_what, request) => {
    expect(await answers(true, request)).toBe(await answers(false, [request]));
  });

  it('a protocol may be followed by other requests', async () => {
    const get = `GET /get HTTP/1.1\r\n${HOST}${H2C_OPEN}\r\n`;
    const client = await TcpClient.connect(portOf(await start(adapter(), true)));
    client.send(`${get}${get}${LAST}`);
    expect(await client.ended).toMatch(/^HTTP[^]*h2c[^]*HTTP[^]*h2c[^]*HTTP[^]*localhost/);
  });

  it('a protocol may be followed by other requests, after its body', async ({ skip }) => {
    skip(dropsRequests, DROPS_REQUESTS);
    const post = `POST /post HTTP/1.1\r\n${HOST}${H2C_OPEN}${JSON_BODY}`;
    const client = await TcpClient.connect(portOf(await start(adapter(), true)));
    client.send(`GET /get HTTP/1.1\r\n${HOST}${H2C_OPEN}\r\n${post}${post}${LAST}`);
    expect(await client.ended).toMatch(/^HTTP[^]*h2c[^]*HTTP[^]*bcd[^]*HTTP[^]*bcd[^]*HTTP[^]*localhost/);
  });

  it('a protocol may follow another request that is still being answered', async () => {
    const app = await start(adapter(), true);
    const client = await TcpClient.connect(portOf(app));
    client.send(`GET /slow HTTP/1.1\r\n${HOST}\r\nGET /get HTTP/1.1\r\n${HOST}${H2C_OPEN}\r\n${LAST}`);
    await started.promise;
    work.resolve();
    expect(await client.ended).toMatch(
      /^HTTP\/1\.1 200 [^]*slowHTTP\/1\.1 200 [^]*h2c[^]*HTTP\/1\.1 200 [^]*localhost/,
    );
  });

  it('a protocol may follow another request that is still being answered, and have a body', async ({ skip }) => {
    skip(dropsRequests, DROPS_REQUESTS);
    const app = await start(adapter(), true);
    const client = await TcpClient.connect(portOf(app));
    client.send(`GET /slow HTTP/1.1\r\n${HOST}\r\nPOST /post HTTP/1.1\r\n${HOST}${H2C_OPEN}${JSON_BODY}${LAST}`);
    await started.promise;
    work.resolve();
    expect(await client.ended).toMatch(
      /^HTTP\/1\.1 200 [^]*slowHTTP\/1\.1 201 [^]*bcd[^]*HTTP\/1\.1 200 [^]*localhost/,
    );
  });

  it('a protocol may be slow to be answered, on a connection that was idle before', async () => {
    const app = await start(adapter(), true);
    (app.getHttpServer() as Server).keepAliveTimeout = 1;
    const client = await TcpClient.connect(portOf(app));
    client.send(`GET /slow HTTP/1.1\r\n${HOST}\r\nGET /slow HTTP/1.1\r\n${HOST}${H2C_OPEN}\r\n`);
    const [first, second] = [work, deferred()];
    await started.promise;
    [work, started] = [second, deferred()];
    first.resolve();
    await started.promise;
    // The timeout of the idle connection has passed by now, including the 2 s that some versions of Node.js add.
    const late = await TcpClient.connect(portOf(app));
    late.send(`GET /get HTTP/1.1\r\n${HOST}\r\n`);
    await late.ended;
    second.resolve();
    expect(await client.received('slowHTTP/1.1 200')).toContain('slow');
  });

  it('a protocol is answered while the application closes', async () => {
    const app = await start(adapter(), true);
    const client = await TcpClient.connect(portOf(app));
    client.send(`GET /slow HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`);
    await started.promise;
    const closed = app.close();
    work.resolve();
    expect(await client.received('slow')).toMatch(/^HTTP\/1\.1 200 /);
    client.socket.destroy();
    await closed;
  });

  it('a protocol can be taken by a listener of the application', async () => {
    const app = await start(adapter(), true);
    (app.getHttpServer() as Server).on('upgrade', ({ headers }, socket) => {
      if (headers.upgrade === 'echo') socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    });
    const client = await TcpClient.connect(portOf(app));
    client.send(UPGRADE.replace('websocket', 'echo'));
    expect(await client.ended).toBe('HTTP/1.1 101 Switching Protocols\r\n\r\n');
  });

  it('a protocol is answered although a listener of the application ignores it', async () => {
    const app = await start(adapter(), true);
    (app.getHttpServer() as Server).on('upgrade', () => undefined);
    const client = await TcpClient.connect(portOf(app));
    client.send(`GET /get HTTP/1.1\r\n${HOST}${H2C_OPEN}\r\n${LAST}`);
    expect(await client.ended).toMatch(/^HTTP\/1\.1 200 [^]*h2c[^]*HTTP\/1\.1 200 [^]*localhost/);
  });

  it('a protocol is answered, after its body, although a listener of the application ignores it', async ({ skip }) => {
    skip(dropsRequests, DROPS_REQUESTS);
    const app = await start(adapter(), true);
    (app.getHttpServer() as Server).on('upgrade', () => undefined);
    const client = await TcpClient.connect(portOf(app));
    client.send(`POST /post HTTP/1.1\r\n${HOST}${H2C_OPEN}${JSON_BODY}${LAST}`);
    expect(await client.ended).toMatch(/^HTTP\/1\.1 201 [^]*bcd[^]*HTTP\/1\.1 200 [^]*localhost/);
  });

  it.each(['h2c', 'H2C , HTTP/2.0', 'TLS/1.0'])('%s is then answered at once', async (protocol) => {
    const app = await start(adapter(), true, {}, HOUR);
    (app.getHttpServer() as Server).on('upgrade', () => undefined);
    const client = await TcpClient.connect(portOf(app));
    client.send(`GET /get HTTP/1.1\r\n${HOST}Connection: close, Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
    expect(await client.ended).toMatch(/^HTTP\/1\.1 200 /);
  });

  it.each<[string, string, (socket: Socket) => unknown]>([
    ['h2c', 'at once', () => undefined],
    ['h2c', 'later, if it listens to the socket', (socket) => socket.on('error', () => undefined)],
    ['h2c', 'later, if it reads', (socket) => socket.resume()],
    ['h2c', 'later, if it has paused the socket', (socket) => socket.pause()],
    ['echo', 'later', () => undefined],
  ])('%s may be taken by a listener %s', async (protocol, when, first) => {
    const app = await start(adapter(), true, {}, HOUR);
    const [asked, late] = [deferred(), deferred()];
    (app.getHttpServer() as Server).on('upgrade', (_request, socket: Socket) => {
      first(socket);
      const take = () => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      if (when === 'at once') take();
      else void late.promise.then(take);
      asked.resolve();
    });
    const client = await TcpClient.connect(portOf(app));
    client.send(UPGRADE.replace('websocket', protocol));
    await asked.promise;
    const other = await TcpClient.connect(portOf(app));
    other.send(LAST);
    await other.ended;
    late.resolve();
    expect(await client.ended).toBe('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    client.socket.destroy();
  });

  it('WebSocket still gets it on a connection that offered another protocol before', async () => {
    const client = await TcpClient.connect(portOf(await start(adapter(), true)));
    client.send(`GET /get HTTP/1.1\r\n${HOST}${H2C_OPEN}\r\n`);
    await client.received('HTTP/1.1 200');
    client.send(UPGRADE);
    await client.received('101 Switching Protocols');
    client.socket.destroy();
  });
});

it('over TLS, a request that offers another protocol is answered', async () => {
  const app = await start(new ExpressAdapter(), true, { httpsOptions: tls });
  const headers = { Connection: 'Upgrade, close', Upgrade: 'h2c', 'Content-Type': 'application/json' };
  const options = { port: portOf(app), path: '/post', method: 'POST', headers, ca, agent: false };
  const request = secureRequest(options).end('{"a":"bcd"}');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect([response.statusCode, await text(response)]).toEqual([201, '{"body":{"a":"bcd"}}']);
});

describe('an application that closes', () => {
  it('answers a request under way although another library handles its requests', async () => {
    const app = await start(new ExpressAdapter(), true);
    const httpServer = app.getHttpServer() as Server;
    // engine.io does the same.
    const [listen] = httpServer.listeners('request');
    httpServer.removeAllListeners('request').on('request', (...args) => void listen!.apply(httpServer, args));
    const client = await TcpClient.connect(portOf(app));
    client.send(`GET /slow HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`);
    await started.promise;
    const closed = app.close();
    work.resolve();
    expect(await client.ended).toMatch(/^HTTP\/1\.1 200 [^]*slow$/);
    await closed;
  });

  it('answers requests of HTTP/1.1 that are under way on an HTTP/2 server', async () => {
    const app = await start(new FastifyAdapter({ http2: true, https: { allowHTTP1: true, ...tls } }), true);
    const socket = connectSecurely({ port: portOf(app), host: '127.0.0.1', ca, servername: 'localhost' });
    const answered = text(socket);
    socket.write(`GET /slow HTTP/1.1\r\n${HOST}${H2C}\r\n\r\n`);
    await started.promise;
    const closed = app.close();
    work.resolve();
    expect(await answered).toMatch(/^HTTP\/1\.1 200 [^]*slow/);
    await closed;
  });

  it.each<[string, object, (port: number) => http2.ClientHttp2Session]>([
    [
      'h2',
      { http2: true, https: { allowHTTP1: true, ...tls } },
      (port) => http2.connect(`https://127.0.0.1:${port}`, { ca, servername: 'localhost' }),
    ],
    [
      'h2 without HTTP/1.1',
      { http2: true, https: tls },
      (port) => http2.connect(`https://127.0.0.1:${port}`, { ca, servername: 'localhost' }),
    ],
    ['h2c', { http2: true }, (port) => http2.connect(`http://127.0.0.1:${port}`)],
  ])('answers requests of %s that are under way', async (_what, options, connect) => {
    const app = await start(new FastifyAdapter(options), true);
    const session = connect(portOf(app));
    onTestFinished(() => session.destroy());
    const request = session.request({ ':path': '/slow' });
    const answered = text(request);
    await started.promise;
    const closed = app.close();
    work.resolve();
    expect(await answered).toBe('slow');
    session.close();
    await closed;
  });
});

it('a client that requests another protocol and disconnects leaves nothing', async () => {
  const app = await start(new ExpressAdapter(), true);
  const httpServer = app.getHttpServer() as Server;
  const client = await TcpClient.connect(portOf(app));
  client.send(`GET /slow HTTP/1.1\r\n${HOST}${H2C_OPEN}\r\nGET /get HTTP/1.1\r\n${HOST}${H2C_OPEN}\r\n`);
  await started.promise;
  client.socket.resetAndDestroy();
  const count = () =>
    new Promise((resolve) => httpServer.getConnections((_error, connections) => resolve(connections)));
  await expect.poll(count).toBe(0);
});
