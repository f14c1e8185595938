import { Controller, Get, Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WebSocketServer } from '@nestjs/websockets';
import {
  MemorySessionManager,
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  WebwireService,
  type WebwireModuleOptions,
  type WebwireServer,
} from 'nestjs-webwire';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate as passIo } from 'node:timers/promises';
import { connect as connectSecurely } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { deferred } from '../support/deferred.js';
import { TcpClient, UPGRADE } from '../support/tcp-client.js';
import { RecordingLogger } from '../support/test-app.js';
import { describe as show, WireClient } from '../support/wire-client.js';

/** Timeout for the close frame of a client, in ms. */
const CLOSE_TIMEOUT = 2_000;

@Injectable()
class Database implements OnModuleDestroy {
  isOpen = true;
  query() {
    if (!this.isOpen) throw new Error('the database is closed');
    return 'rows';
  }
  onModuleDestroy() {
    this.isOpen = false;
  }
}

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly work = deferred();
  readonly started = deferred();
  readonly left: string[] = [];

  constructor(
    readonly database: Database,
    readonly webwire: WebwireService,
  ) {}

  @WebwireRequest('slow') async slow(connection: WebwireConnection) {
    this.started.resolve();
    await this.work.promise;
    await connection.createSession({ user: 'Ada' });
    this.webwire.join(connection, 'late');
    const reached = [
      this.webwire.signalSession(connection.session!.key, 'news', 'for the session'),
      this.webwire.signalGroup('late', 'news', 'for the group'),
      this.webwire.broadcast('news', 'for all'),
    ];
    await connection.closeSession();
    return `${this.database.query()} ${reached.join()}`;
  }
  @WebwireRequest('fast') fast() {
    return 'fast';
  }
  async handleDisconnect(connection: WebwireConnection) {
    // Longer than any work that is ready to run.
    for (let n = 0; n < 10; n++) await passIo();
    this.left.push(`${this.database.query()} ${connection.isActive}`);
  }
}

@Controller()
class Routes {
  readonly answer = deferred<string>();
  readonly asked = deferred();
  @Get('slow') slow() {
    this.asked.resolve();
    return this.answer.promise;
  }
  @Get('fast') fast() {
    return 'fast';
  }
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
])('the end of an application on %s', (_platform, adapter) => {
  async function start(options: WebwireModuleOptions = {}) {
    const sessions = { manager: new MemorySessionManager() };
    @Module({
      imports: [WebwireModule.forRoot({ sessions, ...options })],
      controllers: [Routes],
      providers: [Gateway, Database],
    })
    class AppModule {}
    const logger = new RecordingLogger();
    const app = await NestFactory.create(AppModule, adapter() as never, { logger });
    onTestFinished(() => app.close());
    await app.listen(0, '127.0.0.1');
    const httpServer = app.getHttpServer() as Server;
    const { port } = httpServer.address() as AddressInfo;
    return { app, logger, httpServer, port, gateway: app.get(Gateway), url: `ws://127.0.0.1:${port}/` };
  }

  it('leaves everything as it is until handlers and hooks are done', async () => {
    const { app, gateway, url, logger } = await start();
    const client = await WireClient.connect(url);
    client.send('slow');
    await gateway.started.promise;
    const closed = app.close();
    expect(await client.ask('fast')).toBe('shutdown');
    gateway.work.resolve();
    expect(show(await client.next())).toBe('type 21');
    expect(show(await client.next())).toBe('signal news utf8 for the session');
    expect(show(await client.next())).toBe('signal news utf8 for the group');
    expect(show(await client.next())).toBe('signal news utf8 for all');
    expect(show(await client.next())).toBe('type 22');
    expect(show(await client.next())).toBe('utf8 rows 1,1,1');
    await closed;
    expect(await client.closed).toEqual({
      code: 1001,
      reason: 'server shutting down after all replies',
    });
    expect(gateway.left).toEqual(['rows false']);
    expect(logger.at('error')).toEqual([]);
  });

  it('waits for the hooks of connections that ended before', async () => {
    const { app, gateway, url } = await start();
    const client = await WireClient.connect(url);
    const left = once(gateway.server, 'disconnection');
    client.socket.terminate();
    await left;
    await app.close();
    expect(gateway.left).toEqual(['rows false']);
  });

  it('answers an HTTP request that is under way', async () => {
    const { app, gateway, port } = await start();
    const client = await WireClient.connect(`ws://127.0.0.1:${port}/`);
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const request = httpRequest({ port, host: '127.0.0.1', path: '/slow', agent }).end();
    await app.get(Routes).asked.promise;
    const closed = app.close();
    await client.closed;
    app.get(Routes).answer.resolve('over HTTP');
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    expect(await text(response)).toBe('over HTTP');
    await closed;
    expect(gateway.left).toEqual(['rows false']);
  });

  it('refuses upgrades on connections that were there before', async () => {
    const { gateway, port } = await start();
    const client = await TcpClient.connect(port);
    client.send('GET /fast HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await client.received('fast');
    const busy = await WireClient.connect(`ws://127.0.0.1:${port}/`);
    busy.send('slow');
    await gateway.started.promise;
    const shutdown = gateway.server.shutdown();
    client.send(UPGRADE);
    expect(await client.ended).toContain('503 Service Unavailable');
    gateway.work.resolve();
    await shutdown;
  });

  it.each<[string, (port: number) => Promise<unknown>]>([
    ['says nothing', (port) => TcpClient.connect(port)],
    [
      'sent half a request',
      async (port) => {
        const client = await TcpClient.connect(port);
        client.send(UPGRADE.slice(0, 30));
      },
    ],
    [
      'keeps its HTTP connection',
      async (port) => {
        const client = await TcpClient.connect(port);
        client.send('GET /fast HTTP/1.1\r\nHost: localhost\r\n\r\n');
        await client.received('fast');
      },
    ],
    [
      'began another request on its HTTP connection',
      async (port) => {
        const client = await TcpClient.connect(port);
        client.send('GET /fast HTTP/1.1\r\nHost: localhost\r\n\r\nGET /fa');
        await client.received('fast');
      },
    ],
    [
      'was refused and stays',
      async (port) => {
        const client = await TcpClient.connect(port);
        client.send(UPGRADE.replace('GET /', 'GET /elsewhere'));
        await client.received('404');
      },
    ],
  ])('does not wait for a client that %s', async (_what, connect) => {
    const { app, port } = await start();
    await connect(port);
    const own = await WireClient.connect(`ws://127.0.0.1:${port}/`);
    await app.close();
    expect(await own.closed).toEqual({
      code: 1001,
      reason: 'server shutting down after all replies',
    });
  });

  it('does not wait long for a client that does not answer the close frame', async () => {
    const { app, port, gateway, logger } = await start();
    await TcpClient.upgrade(port);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const closed = app.close();
    while (gateway.server.connections.size > 0) {
      vi.advanceTimersByTime(CLOSE_TIMEOUT);
      await passIo();
    }
    await closed;
    expect(gateway.left).toEqual(['rows false']);
    expect(logger.at('warn')).toEqual([]);
  });

  it('leaves nothing behind, nor touches another application', async () => {
    const [first, second] = [await start(), await start()];
    const listeners = () => first.httpServer.eventNames().filter((name) => name === 'upgrade');
    expect(listeners()).toEqual(['upgrade']);
    const client = await WireClient.connect(second.url);
    await first.app.close();
    await first.app.close();
    expect(listeners()).toEqual([]);
    expect(await client.ask('fast')).toBe('utf8 fast');
    // The port is free again.
    await second.app.close();
    const third = await NestFactory.create(WebwireModule.forRoot(), adapter() as never, { logger: false });
    onTestFinished(() => third.close());
    await third.listen(first.port, '127.0.0.1');
  });
});

it('the end of an application on HTTPS waits for requests, but not for clients that never become secure', async () => {
  // TLS with a pre-shared key needs no certificate.
  const secret = { ciphers: 'PSK', maxVersion: 'TLSv1.2' as const };
  const httpsOptions = { ...secret, pskCallback: () => Buffer.alloc(16) };
  @Module({ imports: [WebwireModule.forRoot()], controllers: [Routes], providers: [Gateway, Database] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { httpsOptions, logger: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const silent = await TcpClient.connect(port);
  const request = httpRequest({
    path: '/slow',
    createConnection: () =>
      connectSecurely({
        ...secret,
        port,
        host: '127.0.0.1',
        pskCallback: () => ({ psk: Buffer.alloc(16), identity: 'test' }),
        checkServerIdentity: () => undefined,
      }),
  }).end();
  await app.get(Routes).asked.promise;
  const closed = app.close();
  await silent.ended;
  app.get(Routes).answer.resolve('over HTTPS');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  expect(await text(response)).toBe('over HTTPS');
  await closed;
});
