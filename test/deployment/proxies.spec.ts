import { TerminusModule } from '@nestjs/terminus';
import { ConnectedSocket, WebSocketServer } from '@nestjs/websockets';
import {
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireServer,
  WebwireSignal,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { WebwireHealthIndicator } from 'nestjs-webwire/terminus';
import { once } from 'node:events';
import { request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket, type ClientOptions as SocketOptions } from 'ws';
import { HealthController } from '../../sample/08-deployment/src/health.controller.js';
import { readSettings } from '../../sample/08-deployment/src/settings.js';
import { ca } from '../support/certificate.js';
import { deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { describeWithProxy } from './describe-with-proxy.js';
import { Proxy, type ProxyKind } from './proxy.js';

@WebwireGateway()
class Gateway {
  @WebSocketServer() readonly server!: WebwireServer;
  readonly started = new Queue<string>();
  readonly work = deferred();
  /** HTTP statuses of refused upgrades. */
  readonly refusals = new Queue<number>();

  afterInit(server: WebwireServer) {
    server.on('refusal', ({ status }) => this.refusals.push(status));
  }
  @WebwireRequest('slow') async slow() {
    this.started.push('slow');
    await this.work.promise;
    return 'done';
  }
  @WebwireRequest('about') about(@ConnectedSocket() { ip, remoteAddress, headers }: WebwireConnection) {
    const { host, forwarded, 'x-forwarded-proto': scheme, 'x-forwarded-for': clients } = headers;
    return { ip, remoteAddress, host, scheme, clients, forwarded };
  }
  @WebwireSignal('ping') ping(@ConnectedSocket() connection: WebwireConnection) {
    connection.signal('pong', 'back');
  }
}

/** A server with the settings of the sample. */
async function startServer(options: WebwireModuleOptions = {}) {
  const app = await TestApp.start(
    {
      imports: [TerminusModule.forRoot({ logger: false })],
      controllers: [HealthController],
      providers: [Gateway, WebwireHealthIndicator],
    },
    { ...readSettings({}), ...options },
  );
  const gateway = app.get(Gateway);
  onTestFinished(async () => {
    gateway.work.resolve();
    await app.close();
  });
  return { app, gateway, port: app.port };
}

/** A client that trusts the certificate of the tests. */
function clientOf({ url }: Proxy, options: SocketOptions = {}): WebwireClient {
  class TrustingSocket extends WebSocket {
    constructor(address: string) {
      super(address, { ca, ...options });
    }
  }
  const client = new WebwireClient(url, { webSocket: TrustingSocket, reconnect: { minDelay: 1, maxDelay: 20 } });
  onTestFinished(() => client.close());
  return client;
}

describe.each<ProxyKind>(['nginx', 'haproxy'])('%s', (kind) => {
  describeWithProxy(kind, 'behind', () => {
    it('requests, signals and large messages pass, and TLS ends at the proxy', async () => {
      const { port } = await startServer({ messageBufferSize: 300_000 });
      const proxy = await Proxy.start(kind, [port]);
      const client = clientOf(proxy);
      const signals = new Queue<string>();
      client.onSignal('pong', (payload) => signals.push(payload.text()));
      await client.signal('ping', 'x'.repeat(200_000));
      expect(await signals.take()).toBe('back');
      expect((await client.request('about')).json()).toMatchObject({
        host: `localhost:${proxy.port}`,
        scheme: 'https',
        remoteAddress: '127.0.0.1',
      });
    });

    it('connection.ip is the address of the client, which no header of the client changes', async () => {
      const { port } = await startServer();
      const proxy = await Proxy.start(kind, [port]);
      const spoofed = ['10.1.1.1', '10.2.2.2'].flatMap((address) => [
        { 'X-Forwarded-For': address },
        { Forwarded: `for=${address}` },
        { 'X-Forwarded-For': `${address}, 127.0.0.1`, Forwarded: `for=${address}`, 'X-Forwarded-Proto': 'http' },
        { 'x-forwarded-for': ['10.3.3.3', address] },
      ]);
      for (const headers of [{}, ...spoofed]) {
        // All addresses that begin with 127 are those of this machine.
        const client = clientOf(proxy, { headers, localAddress: '127.0.0.9' });
        expect((await client.request('about')).json()).toEqual({
          ip: '127.0.0.9',
          clients: '127.0.0.9',
          remoteAddress: '127.0.0.1',
          host: `localhost:${proxy.port}`,
          scheme: 'https',
        });
      }
    });

    it('pages of other origins are refused, and the refusal reaches them', async () => {
      const { port } = await startServer(readSettings({ ORIGINS: 'https://shop.example.com,https://example.com' }));
      const proxy = await Proxy.start(kind, [port]);
      await clientOf(proxy, { origin: 'https://shop.example.com' }).connect();
      await expect(clientOf(proxy, { origin: 'https://example.org' }).connect()).rejects.toMatchObject({ status: 403 });
    });

    it('probes get no answer of the server', async () => {
      const { port } = await startServer();
      const proxy = await Proxy.start(kind, [port]);
      const asked = request({ host: 'localhost', port: proxy.port, path: '/health/ready', ca }).end();
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      response.resume();
      expect(response.statusCode).toBe(404);
    });

    it('silent connections last if their heartbeats are more frequent than the timeout of the proxy', async () => {
      const timeouts = {
        nginx: [
          ['proxy_read_timeout 75s', 'proxy_read_timeout 2s'],
          ['proxy_send_timeout 75s', 'proxy_send_timeout 2s'],
        ],
        haproxy: [['timeout tunnel 75s', 'timeout tunnel 2s']],
      } as const;
      const [alive, rare] = await Promise.all([
        startServer({ readTimeout: 500 }),
        startServer({ readTimeout: 60_000 }),
      ]);
      const [lasting, cut] = await Promise.all([
        Proxy.start(kind, [alive.port], timeouts[kind]),
        Proxy.start(kind, [rare.port], timeouts[kind]),
      ]);
      const [silent, lost] = [clientOf(lasting), clientOf(cut)];
      const losses: string[] = [];
      const isLost = deferred();
      silent.on('disconnected', ({ error }) => losses.push(error.message));
      lost.on('disconnected', () => isLost.resolve());
      await silent.connect();
      // The later one is cut, so the earlier one has been silent for longer than the timeout.
      await lost.connect();
      await isLost.promise;
      await silent.request('about');
      expect(losses).toEqual([]);
      expect(alive.gateway.server.connections.size).toBe(1);
    });

    it('while a server shuts down, it finishes its requests, and new clients get to other servers', async () => {
      const [first, second] = await Promise.all([startServer(), startServer()]);
      const proxy = await Proxy.start(kind, [first.port, second.port]);
      const old = clientOf(proxy);
      const running = old.request('slow');
      const leaving = await Promise.race(
        [first, second].map(async (server) => {
          await server.gateway.started.take();
          return server;
        }),
      );
      const staying = leaving === first ? second : first;
      const shutdown = leaving.gateway.server.shutdown();
      const clients = Array.from({ length: 12 }, () => clientOf(proxy));
      for (const client of clients) await client.connect();
      expect([...staying.gateway.server.connections].length).toBe(12);
      // The proxy has tried it, and the clients have noticed nothing.
      expect(await leaving.gateway.refusals.take()).toBe(503);
      leaving.gateway.work.resolve();
      expect((await running).text()).toBe('done');
      await shutdown;
      await old.request('about');
      expect([...staying.gateway.server.connections].length).toBe(13);
    });

    it('clients get to other servers while one is gone', async () => {
      const [first, second] = await Promise.all([startServer(), startServer()]);
      const proxy = await Proxy.start(kind, [first.port, second.port]);
      await first.app.close();
      const clients = Array.from({ length: 6 }, () => clientOf(proxy));
      for (const client of clients) await client.connect();
      expect([...second.gateway.server.connections].length).toBe(6);
    });

    it('a client learns that no server takes it, and gets in when one does', async () => {
      const { gateway, port } = await startServer({ maxConnections: 1 });
      const proxy = await Proxy.start(kind, [port]);
      const [first, second] = [clientOf(proxy), clientOf(proxy)];
      await first.connect();
      await expect(second.connect()).rejects.toMatchObject({ status: expect.any(Number) });
      const waiting = second.request('about');
      await gateway.refusals.take();
      await first.close();
      await waiting;
    });
  });
});

describeWithProxy('haproxy', 'the health check of', () => {
  it('takes a server that shuts down out, and leaves it the connections that it has', async () => {
    const [leaving, staying] = await Promise.all([startServer(), startServer()]);
    // Without attempts at other servers, the check alone decides.
    const proxy = await Proxy.start(
      'haproxy',
      [leaving.port, staying.port],
      [
        ['retry-on conn-failure empty-response 503', 'retry-on none'],
        ['check inter 2s', 'check inter 50ms'],
        // Otherwise a check fails if the answer takes as long as the interval, as it does on a busy machine.
        ['timeout connect 1s', 'timeout connect 1s\n  timeout check 10s'],
      ],
    );
    await proxy.reports(/Server webwire\/three is DOWN/);
    const clients = [clientOf(proxy), clientOf(proxy)];
    for (const client of clients) await client.connect();
    const running = Promise.all(clients.map((client) => client.request('slow')));
    await leaving.gateway.started.take();
    const shutdown = leaving.gateway.server.shutdown();
    await proxy.reports(/Server webwire\/one is DOWN, reason: Layer7 wrong status, code: 503/);
    const later = Array.from({ length: 4 }, () => clientOf(proxy));
    for (const client of later) await client.connect();
    expect(leaving.gateway.refusals.rest).toEqual([]);
    for (const { gateway } of [leaving, staying]) gateway.work.resolve();
    expect((await running).map((reply) => reply.text())).toEqual(['done', 'done']);
    await shutdown;
  });
});
