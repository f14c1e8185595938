import { UnauthorizedException, type ExecutionContext } from '@nestjs/common';
import { WebSocketServer } from '@nestjs/websockets';
import {
  HandshakeRejection,
  MemoryTransport,
  UseHandshakeGuards,
  WebwireGateway,
  WebwireRequest,
  type Handshake,
  type MemoryWebSocket,
  type WebwireConnection,
  type WebwireModuleOptions,
  type WebwireServer,
} from 'nestjs-webwire';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred, type Deferred } from '../support/deferred.js';
import { Queue } from '../support/queue.js';
import { refusal } from '../support/refusal.js';
import { TcpClient, UPGRADE } from '../support/tcp-client.js';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';

const TOO_MANY = '429 too many connections from this address';

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly connected = new Queue<WebwireConnection>();

  handleConnection(connection: WebwireConnection) {
    this.connected.push(connection);
  }
  @WebwireRequest('echo') echo(_connection: unknown, body: string) {
    return body;
  }
}

/** Rejects, waits or lets in, as the query of the upgrade says. */
class QueryGuard {
  static started = new Queue<void>();
  static decision: Deferred<boolean> = deferred();

  async canActivate(context: ExecutionContext) {
    const { url } = context.switchToWs().getData<Handshake>().request;
    if (url.endsWith('?no')) return false;
    if (url.endsWith('?who')) throw new UnauthorizedException();
    if (url.endsWith('?error')) throw new Error('no database');
    if (!url.endsWith('?wait')) return true;
    QueryGuard.started.push();
    return QueryGuard.decision.promise;
  }
}

@UseHandshakeGuards(QueryGuard)
@WebwireGateway({ path: '/guarded' })
class Guarded {
  @WebSocketServer() server!: WebwireServer;
}

let app: TestApp;

async function start(options: WebwireModuleOptions = {}) {
  QueryGuard.decision = deferred();
  app = await TestApp.start({ providers: [Gateway, Guarded] }, options);
}

afterEach(async () => {
  vi.useRealTimers();
  QueryGuard.decision.resolve(false);
  await app.close();
});

/** Options of a client with this address, for servers that trust all proxies. */
const from = (address: string) => ({ headers: { 'X-Forwarded-For': address } });

/** Waits until all connections of a server are gone. */
async function allLeft(server: WebwireServer): Promise<void> {
  while (server.connections.size > 0) await once(server, 'disconnection');
}

describe('maxConnectionsPerAddress', () => {
  it('refuses further connections of an address, and accepts them when others have gone', async () => {
    await start({ maxConnectionsPerAddress: 2 });
    const { server } = app.get(Gateway);
    const [first] = [await app.connect(), await app.connect()];
    expect(await refusal(app.url())).toBe(TOO_MANY);
    const left = once(server, 'disconnection');
    await first.close();
    await left;
    const third = await app.connect();
    expect(await third.ask('echo', 'in')).toBe('utf8 in');
    expect(await refusal(app.url())).toBe(TOO_MANY);
  });

  it('counts the address of the client, not that of its proxy', async () => {
    await start({ maxConnectionsPerAddress: 1, trustProxy: 1 });
    const clients = [
      await WireClient.connect(app.url(), from('203.0.113.7')),
      await WireClient.connect(app.url(), from('203.0.113.8')),
    ];
    expect(await refusal(app.url(), from('203.0.113.7'))).toBe(TOO_MANY);
    expect(await refusal(app.url(), from('198.51.100.1, 203.0.113.8'))).toBe(TOO_MANY);
    for (const client of clients) await client.close();
  });

  it.each([
    ['IPv4-mapped IPv6 and IPv4', '::ffff:203.0.113.7', '203.0.113.7'],
    ['two IPv6 addresses of one network', '2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
    ['IPv6 addresses of a network with zeros', '2001:db8::1', '2001:db8:0:0:1::'],
    ['IPv6 addresses of a network at the start', '::1', '::2:0:0:1'],
  ])('counts %s as one address', async (_what, first, second) => {
    await start({ maxConnectionsPerAddress: 1, trustProxy: 1 });
    const client = await WireClient.connect(app.url(), from(first));
    expect(await refusal(app.url(), from(second))).toBe(TOO_MANY);
    const left = once(app.get(Gateway).server, 'disconnection');
    await client.close();
    await left;
    await (await WireClient.connect(app.url(), from(second))).close();
  });

  it.each([
    ['2001:db8:1:2::1', '2001:db8:1:3::1'],
    ['2001:db8::1', '2001:db8:0:1::1'],
    ['::1', '0:0:0:1::1'],
    ['203.0.113.7', '203.0.113.8'],
    ['1.1.1.1', '2001:101:101::'],
    ['64:ff9b::203.0.113.7', '64:ff9b::203.0.113.8'],
  ])('counts %s and %s as two addresses', async (first, second) => {
    await start({ maxConnectionsPerAddress: 1, trustProxy: 1 });
    const clients = [
      await WireClient.connect(app.url(), from(first)),
      await WireClient.connect(app.url(), from(second)),
    ];
    for (const client of clients) await client.close();
  });

  it('applies to each server, and can be set for one gateway', async () => {
    await start({ gateways: { Guarded: { maxConnectionsPerAddress: 1 } } });
    await app.connect('/guarded');
    expect(await refusal(app.url('/guarded'))).toBe(TOO_MANY);
    await app.connect('/');
    await app.connect('/');
  });

  it('holds for many clients at once', async () => {
    await start({ maxConnectionsPerAddress: 5 });
    const outcomes = await Promise.allSettled(Array.from({ length: 40 }, () => app.connect()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
  });

  it('counts handshakes under way', async () => {
    await start({ maxConnectionsPerAddress: 1 });
    const waiting = WireClient.connect(app.url('/guarded?wait'));
    await QueryGuard.started.take();
    expect(await refusal(app.url('/guarded'))).toBe(TOO_MANY);
    QueryGuard.decision.resolve(true);
    const client = await waiting;
    expect(await refusal(app.url('/guarded'))).toBe(TOO_MANY);
    await client.close();
  });

  it.each([
    ['a guard refuses', '/guarded?no', '403 Forbidden resource'],
    ['a guard refuses with another status', '/guarded?who', '401 Unauthorized'],
    ['a guard fails for', '/guarded?error', '500 internal server error'],
  ])('does not count clients that %s', async (_why, path, outcome) => {
    await start({ maxConnectionsPerAddress: 1 });
    for (let n = 0; n < 3; n++) expect(await refusal(app.url(path))).toBe(outcome);
    await app.connect('/guarded');
  });

  it('does not count clients whose handshake takes too long', async () => {
    await start({ maxConnectionsPerAddress: 1, handshakeTimeout: 20 });
    expect(await refusal(app.url('/guarded?wait'))).toBe('503 the handshake took too long');
    await app.connect('/guarded');
  });

  it('does not count clients of other origins, or with an invalid upgrade', async () => {
    await start({ maxConnectionsPerAddress: 1, origins: 'https://example.com' });
    expect(await refusal(app.url(), { origin: 'https://example.org' })).toBe('403 origin not allowed');
    const broken = await TcpClient.connect(app.port);
    broken.send(UPGRADE.replace('Sec-WebSocket-Key', 'X-Something'));
    expect(await broken.ended).toContain('400 Bad Request');
    await app.connect();
  });

  it('does not count clients that leave while a guard runs', async () => {
    await start({ maxConnectionsPerAddress: 1 });
    const lost = await TcpClient.connect(app.port);
    lost.send(UPGRADE.replace('GET /', 'GET /guarded?wait'));
    await QueryGuard.started.take();
    const closed = once(lost.socket, 'close');
    lost.socket.resetAndDestroy();
    await closed;
    // The server has noticed it when it answers another client.
    expect(await refusal(app.url('/nowhere'))).toBe('404 no WebWire server here');
    QueryGuard.decision.resolve(true);
    await app.connect('/guarded');
  });

  it.each<[string, (client: WireClient, connection: WebwireConnection) => unknown]>([
    ['close', (client) => client.close()],
    ['break', (client) => client.socket.terminate()],
    ['are closed by the server', (_client, connection) => connection.close()],
    ['break the protocol', (client) => client.sendBytes('ff')],
  ])('counts connections until they %s', async (_how, end) => {
    await start({ maxConnectionsPerAddress: 1 });
    const { connected, server } = app.get(Gateway);
    for (let n = 0; n < 3; n++) {
      const client = await app.connect();
      expect(await refusal(app.url())).toBe(TOO_MANY);
      await end(client, await connected.take());
      await allLeft(server);
    }
    await app.connect();
  });

  it('does not limit clients without an address', async () => {
    const transport = new MemoryTransport();
    await start({ maxConnectionsPerAddress: 1, transport });
    const sockets: MemoryWebSocket[] = [];
    for (let n = 0; n < 3; n++) sockets.push(await transport.connect('/'));
    sockets.push(await transport.connect('/', { remoteAddress: '203.0.113.7' }));
    await expect(transport.connect('/', { remoteAddress: '203.0.113.7' })).rejects.toEqual(
      new HandshakeRejection(429, 'too many connections from this address'),
    );
    for (const socket of sockets) socket.terminate();
  });

  it('reports each refusal as an event, but logs only one of them a minute', async () => {
    await start({ maxConnectionsPerAddress: 1 });
    vi.useFakeTimers({ toFake: ['performance'] });
    const refusals: unknown[] = [];
    app.get(Gateway).server.on('refusal', ({ status, reason }) => refusals.push(`${status} ${reason}`));
    await app.connect();
    for (let n = 0; n < 5; n++) await refusal(app.url());
    expect(refusals).toEqual(Array.from({ length: 5 }, () => TOO_MANY));
    const [line, ...others] = app.logger.at('warn');
    expect(line).toContain('its address 127.0.0.1 has as many connections as maxConnectionsPerAddress allows: 1.');
    expect(others).toEqual([]);
    vi.advanceTimersByTime(60_000);
    await refusal(app.url());
    expect(app.logger.at('warn')).toHaveLength(2);
    expect(app.logger.at('warn')[1]).toContain('4 others were refused since the last line like this');
  });
});
