import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { WebSocketServer } from '@nestjs/websockets';
import {
  UseHandshakeGuards,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  type ConnectionRequest,
  type DisconnectReason,
  type Handshake,
  type WebwireGatewayOverrides,
  type WebwireServer,
} from 'nestjs-webwire';
import { BunTransport } from 'nestjs-webwire/bun';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { connect as connectSecurely } from 'node:tls';
import { once } from 'node:events';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { ca, tls } from '../support/certificate.js';
import { deferred } from '../support/deferred.js';
import { freePort } from '../support/free-port.js';
import { Queue } from '../support/queue.js';
import { TcpClient, UPGRADE } from '../support/tcp-client.js';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';

/** Decides later, and leaves what it sees of the request. */
class LateGuard implements CanActivate {
  async canActivate(context: ExecutionContext) {
    const { url, headers } = context.switchToHttp().getRequest<ConnectionRequest>();
    context.switchToWs().getData<Handshake>().info = { url };
    await delay(1);
    return headers['x-banned'] === undefined;
  }
}

@UseHandshakeGuards(LateGuard)
@WebwireGateway({ path: '/guarded' })
class Guarded {
  @WebwireRequest('info') info({ info, headers, remoteAddress }: WebwireConnection) {
    return { info, agent: headers['user-agent'], remoteAddress };
  }
}

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly disconnects = new Queue<DisconnectReason>();
  work = deferred<string>();

  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.disconnects.push(reason);
  }
  @WebwireRequest('echo') echo(_connection: WebwireConnection, body: string) {
    return body;
  }
  @WebwireRequest('slow') slow() {
    return this.work.promise;
  }
}

let app: TestApp;
let gateway: Gateway;
let port: number;

async function start(options: WebwireGatewayOverrides = {}, ownPort = 0): Promise<TestApp> {
  const both = { ...options, transport: new BunTransport(), port: ownPort };
  const started = await TestApp.start(
    { providers: [Gateway, Guarded] },
    { gateways: { Gateway: both, Guarded: both } },
  );
  onTestFinished(() => started.close());
  app = started;
  gateway = app.get(Gateway);
  ({ port } = gateway.server.address as AddressInfo);
  return started;
}

async function connect(path = '/', options: Parameters<typeof WireClient.connect>[1] = {}): Promise<WireClient> {
  const client = await WireClient.connect(`ws://127.0.0.1:${port}${path}`, options);
  onTestFinished(() => client.socket.terminate());
  return client;
}

/** The first line and the body of the response. */
async function answer(request: string): Promise<[status: string, body: string]> {
  const client = await TcpClient.connect(port);
  client.send(request);
  const response = await client.ended;
  const [head, body = ''] = response.split('\r\n\r\n');
  return [head!.split('\r\n')[0]!, body];
}

describe('a request to the port of a BunTransport', () => {
  const refusals: [status: number, reason: string][] = [];

  beforeEach(async () => {
    await start();
    refusals.length = 0;
    gateway.server.on('refusal', ({ status, reason }) => refusals.push([status, reason]));
  });

  it.each<[number, string, string]>([
    [426, 'WebWire speaks WebSocket', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    [404, 'no WebWire server here', UPGRADE.replace('GET /', 'GET /other')],
    [405, 'Invalid HTTP method', UPGRADE.replace('GET', 'PUT')],
    [400, 'Missing or invalid Host header', UPGRADE.replace('Host: localhost', 'Host: a\r\nHost: b')],
    [400, 'Missing or invalid Host header', UPGRADE.replace('Host: localhost', 'Host: a/b')],
    [400, 'Missing or invalid Sec-WebSocket-Key header', UPGRADE.replace('dGhl', '')],
    [426, 'Unsupported WebSocket version', UPGRADE.replace('Version: 13', 'Version: 8')],
    [
      400,
      'Invalid Sec-WebSocket-Protocol header',
      UPGRADE.replace('Upgrade: websocket', 'Upgrade: websocket\r\nSec-WebSocket-Protocol: a,,b'),
    ],
  ])('is refused with %i %s', async (status, reason, request) => {
    const [line, body] = await answer(request);
    expect([line.split(' ')[1], body]).toEqual([String(status), reason]);
    expect(refusals).toEqual([[status, reason]]);
  });

  it('is refused with 431 if its header is too long', async () => {
    const [line] = await answer(UPGRADE.replace('Host', `X: ${'x'.repeat(20_000)}\r\nHost`));
    expect(line).toContain(' 431 ');
  });

  it.each(['', 'GET / HTTP/1.1\r\nHo'])('is cut after some ten seconds if it stops after %j', async (part) => {
    const client = await TcpClient.connect(port);
    client.send(part);
    expect(await client.ended).toBe('');
  });

  it('is refused with 400 without a Host', async () => {
    const [line] = await answer(UPGRADE.replace('Host: localhost\r\n', ''));
    expect(line).toContain(' 400 ');
  });
});

describe('the sub-protocol that a BunTransport selects', () => {
  const offering = UPGRADE.replace('Upgrade: websocket', 'Upgrade: websocket\r\nSec-WebSocket-Protocol: a, b');

  it.each<[string[], string | undefined]>([
    [['b'], 'b'],
    [['c'], undefined],
    [[], undefined],
  ])('is, with webSocketProtocols %j, %j of those that a client offers', async (webSocketProtocols, selected) => {
    await start({ webSocketProtocols });
    const client = await TcpClient.connect(port);
    client.send(offering);
    const response = await client.received('\r\n\r\n');
    expect(/sec-websocket-protocol: (.*)\r/i.exec(response)?.[1]).toBe(selected);
  });
});

describe('a handshake guard on a BunTransport', () => {
  beforeEach(async () => {
    await start({}, await freePort());
  });

  it('sees the request, and the connection is open after it has decided', async () => {
    const client = await connect('/guarded?room=1', { headers: { 'user-agent': 'test' } });
    const answered = JSON.parse((await client.ask('info')).replace('utf8 ', '')) as object;
    expect(answered).toEqual({
      info: { url: '/guarded?room=1' },
      agent: 'test',
      remoteAddress: '::ffff:127.0.0.1',
    });
  });

  it('refuses with 403', async () => {
    const [line] = await answer(UPGRADE.replace('GET /', 'GET /guarded').replace('Host', 'X-Banned: 1\r\nHost'));
    expect(line).toContain(' 403 ');
  });

  it('has to decide before the client sends messages, else the client is refused with 400', async () => {
    const [line] = await answer(`${UPGRADE.replace('GET /', 'GET /guarded')}\x82\x81\0\0\0\0\x40`);
    expect(line).toContain(' 400 ');
  });

  it('may decide after the client has gone', async () => {
    const client = await TcpClient.connect(port);
    client.send(UPGRADE.replace('GET /', 'GET /guarded'));
    client.socket.destroy();
    expect(await (await connect('/guarded')).ask('info')).toContain('/guarded');
    await app.close();
    expect(app.logger.at('error')).toEqual([]);
  });
});

describe('a client of a BunTransport', () => {
  it('that sends more than Bun takes gets 1009, and the server reports a violation', async () => {
    await start();
    const client = await connect();
    client.sendBytes(Buffer.alloc(64 * 1024 + 1));
    expect(await client.closed).toMatchObject({ code: 1009 });
    expect(await gateway.disconnects.take()).toBe('violation');
    expect(app.logger.at('warn')).toEqual([expect.stringContaining('(MESSAGE_TOO_LARGE)')]);
  });

  it.each([
    ['with a reserved bit', '\xf2\x81\0\0\0\0\x20'],
    ['without a mask', '\x82\x01\x20'],
    ['of a text that is no UTF-8', '\x81\x81\0\0\0\0\xff'],
  ])('that sends a frame %s breaks the protocol', async (_, frame) => {
    await start();
    const client = await TcpClient.upgrade(port);
    client.send(frame);
    await client.ended;
    expect(await gateway.disconnects.take()).toBe('violation');
    expect(app.logger.at('warn')).toEqual([expect.stringContaining('(INVALID_FRAME)')]);
  });

  it('that pings without reading the pongs is dropped', async () => {
    await start({ maxBufferedAmount: 64 * 1024 });
    const client = await TcpClient.upgrade(port);
    client.socket.pause();
    const pings = `\x89\xfd\0\0\0\0${'p'.repeat(125)}`.repeat(1_000);
    const flood = setInterval(() => client.socket.writableLength < 1_000_000 && client.send(pings), 1);
    onTestFinished(() => clearInterval(flood));
    expect(await gateway.disconnects.take()).toBe('backlog');
  });

  it('that only answers pings stays connected', async () => {
    await start({ readTimeout: 160 });
    const client = await connect();
    for (let pings = 0; pings < 4; pings++) await once(client.socket, 'ping');
    expect(await client.ask('echo', 'alive')).toBe('utf8 alive');
  });

  it('that sends one message for longer than the read timeout is disconnected', async () => {
    await start({ readTimeout: 160 });
    const client = await TcpClient.upgrade(port);
    client.send('\x82\xfd\0\0\0\0');
    const bytes = setInterval(() => client.send(' '), 10);
    onTestFinished(() => clearInterval(bytes));
    expect(await gateway.disconnects.take()).toBe('read-timeout');
  });

  it('gets replies that are ready at the same time in one write', async () => {
    await start();
    const client = await TcpClient.upgrade(port);
    await client.received('\x17');
    let chunks = 0;
    client.socket.on('data', () => chunks++);
    const request = Buffer.from(`\x801234567\0\x04slow`, 'latin1');
    const frame = `\x82${String.fromCharCode(0x80 + request.length)}\0\0\0\0${request.toString('latin1')}`;
    client.send(frame.repeat(8));
    client.send(`\x82\x8f\0\0\0\0\x801234567\0\x04echo!`);
    await client.received('\xc01234567\0!');
    chunks = 0;
    gateway.work.resolve('done');
    await client.receivedWhen((received) => (received.split('done').length === 9 ? true : undefined));
    expect(chunks).toBe(1);
  });
});

describe('the port of a BunTransport', () => {
  it('is free after the application has closed, and can be opened again', async () => {
    const own = await freePort();
    for (let run = 0; run < 2; run++) {
      await start({}, own);
      expect(await (await connect()).ask('echo', 'x')).toBe('utf8 x');
      await app.close();
    }
  });

  it('may be taken, which fails the start', async () => {
    await start({}, await freePort());
    await expect(start({}, port)).rejects.toThrow(new RegExp(`cannot listen on port ${port}: .*another program`));
  });

  it('is closed to clients without a certificate that the server trusts, if it asks for one', async () => {
    await start({ tls: { ...tls, ca, requestCert: true } });
    const socket = connectSecurely({ port, host: '127.0.0.1', ca });
    onTestFinished(() => void socket.destroy());
    let received = '';
    socket.on('data', (chunk: Buffer) => (received += chunk.toString())).on('error', () => undefined);
    socket.write(UPGRADE);
    await new Promise((resolve) => socket.once('close', resolve));
    expect(received).not.toContain('101');
  });
});
