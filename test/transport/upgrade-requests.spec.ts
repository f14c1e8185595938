import { WebSocketServer } from '@nestjs/websockets';
import { UseHandshakeGuards, WebwireGateway, type WebwireModuleOptions, type WebwireServer } from 'nestjs-webwire';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { TcpClient, UPGRADE } from '../support/tcp-client.js';
import { TestApp } from '../support/test-app.js';

let asked = 0;
let refusals: string[] = [];

class Guard {
  canActivate() {
    return ++asked > 0;
  }
}

@UseHandshakeGuards(Guard)
@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  connections = 0;
  afterInit(server: WebwireServer) {
    server.on('refusal', ({ request, status, reason }) => void refusals.push(`${request.url} ${status} ${reason}`));
  }
  handleConnection() {
    this.connections++;
  }
}

let app: TestApp;

async function start(options: WebwireModuleOptions = {}) {
  asked = 0;
  refusals = [];
  app = await TestApp.start({ providers: [Gateway] }, options);
}

afterEach(() => app.close());

/** The whole response to a rejected request. */
async function answer(request: string, port = app.port): Promise<string> {
  const client = await TcpClient.connect(port);
  client.send(request);
  return client.ended;
}

function replace(part: string | RegExp, by: string): string {
  return UPGRADE.replace(part, by);
}

const HOST_TWICE = replace('Host: localhost', 'Host: localhost\r\nHost: elsewhere');

describe('an upgrade request', () => {
  it.each<[string, string, string, RegExp]>([
    ['without a key', replace(/Sec-WebSocket-Key.*\r\n/, ''), '400 Missing or invalid Sec-WebSocket-Key header', /./],
    [
      'with two keys',
      replace('Connection:', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nConnection:'),
      '400 Missing or invalid Sec-WebSocket-Key header',
      /./,
    ],
    [
      'without a version',
      replace(/Sec-WebSocket-Version.*\r\n/, ''),
      '400 Missing or invalid Sec-WebSocket-Version header',
      /\r\nSec-WebSocket-Version: 13\r\n/,
    ],
    [
      'of version 8',
      replace('Version: 13', 'Version: 8'),
      '426 Unsupported WebSocket version',
      /\r\nConnection: Upgrade, close\r\n[^]*\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n/,
    ],
    [
      'of a version that is no number',
      replace('Version: 13', 'Version: 13a'),
      '400 Missing or invalid Sec-WebSocket-Version header',
      /./,
    ],
    ['of HTTP/1.0', replace('HTTP/1.1', 'HTTP/1.0'), '400 Invalid HTTP version', /./],
    ['without Host', replace('Host: localhost\r\n', ''), '400 Missing or invalid Host header', /./],
    ['with two Hosts', HOST_TWICE, '400 Missing or invalid Host header', /./],
    [
      'with one Host twice',
      replace('Host: localhost', 'host: a\r\nHOST: a'),
      '400 Missing or invalid Host header',
      /./,
    ],
    ['with an empty Host', replace('localhost', ''), '400 Missing or invalid Host header', /./],
    ['with a list of Hosts', replace('localhost', 'a, b'), '400 Missing or invalid Host header', /./],
    ['with a Host that is an URL', replace('localhost', 'http://a'), '400 Missing or invalid Host header', /./],
    ['with POST', replace('GET', 'POST'), '405 Invalid HTTP method', /\r\nAllow: GET\r\n/],
    ['with HEAD', replace('GET', 'HEAD'), '405 Invalid HTTP method', /\r\nAllow: GET\r\n/],
    ['with a body', `${replace('Host:', 'Content-Length: 5\r\nHost:')}hello`, '400 Upgrade request with a body', /./],
    [
      'with a sub-protocol twice',
      replace('Host:', 'Sec-WebSocket-Protocol: a, a\r\nHost:'),
      '400 Invalid Sec-WebSocket-Protocol header',
      /./,
    ],
    [
      'with an empty list of sub-protocols',
      replace('Host:', 'Sec-WebSocket-Protocol:\r\nHost:'),
      '400 Invalid Sec-WebSocket-Protocol header',
      /./,
    ],
    ['to another path', replace('GET /', 'GET /nowhere'), '404 no WebWire server here', /\r\nConnection: close\r\n/],
  ])('%s is refused before guards run, and reported', async (_what, request, refusal, headers) => {
    await start({ maxConnections: 1 });
    const text = await answer(request);
    const [, path] = /^\w+ (\S+)/.exec(request)!;
    expect(refusals).toEqual([`${path} ${refusal}`]);
    const [status, ...reason] = refusal.split(' ');
    expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(text).toMatch(new RegExp(`\r\n\r\n${reason.join(' ')}$`));
    expect(text).toMatch(headers);
    expect(asked).toBe(0);
    // A rejected request does not count as a connection.
    (await TcpClient.upgrade(app.port)).socket.destroy();
    expect(asked).toBe(1);
  });

  it('is refused and reported while the server shuts down', async () => {
    await start();
    const shutdown = app.get(Gateway).server.shutdown();
    expect(await answer(UPGRADE)).toContain('503 Service Unavailable');
    expect(refusals).toEqual(['/ 503 server shutting down']);
    await shutdown;
  });

  it.each(['websocket, h2c', 'h2c,WebSocket', 'h2c , \tWEBSOCKET', 'h2c\r\nUpgrade: websocket', 'WebSocket'])(
    'that offers %j is accepted',
    async (protocols) => {
      await start();
      const client = await TcpClient.connect(app.port);
      client.send(replace('Upgrade: websocket', `Upgrade: ${protocols}`));
      expect(await client.received('\r\n\r\n')).toMatch(/^HTTP\/1\.1 101 [^]*\r\nUpgrade: websocket\r\n/);
      client.socket.destroy();
    },
  );

  it.each(['[::1]:3000', '127.0.0.1', 'a_b.example:', 'xn--bcher-kva.example', 'a%20b'])(
    'with the Host %s is accepted',
    async (host) => {
      await start();
      const client = await TcpClient.connect(app.port);
      client.send(replace('localhost', host));
      expect(await client.received('\r\n\r\n')).toContain('101 Switching Protocols');
      client.socket.destroy();
    },
  );

  it('is accepted byte by byte, with its first message', async () => {
    await start();
    const client = await TcpClient.connect(app.port);
    client.socket.setNoDelay();
    // A masked ping without payload.
    for (const byte of `${UPGRADE}\x89\x80\0\0\0\0`) {
      await new Promise<void>((resolve) => {
        client.socket.write(byte, 'latin1', () => resolve());
      });
    }
    expect(await client.received('\x8a\0')).toMatch(/^HTTP\/1\.1 101 /);
    client.socket.destroy();
  });
});

describe('a plain HTTP request on a port of its own', () => {
  it('is refused as RFC 9110 demands, and reported', async () => {
    await start({ gateways: { Gateway: { port: 0 } } });
    const { port } = app.get(Gateway).server.address as AddressInfo;
    const refused = once(app.get(Gateway).server, 'refusal');
    const text = await answer('GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n', port);
    expect(text).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
    expect(text).toMatch(/\r\nConnection: Upgrade, close\r\n/);
    expect(text).toMatch(/\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n/);
    expect(text).toMatch(/\r\n\r\nWebWire speaks WebSocket$/);
    await refused;
    expect(refusals).toEqual(['/health 426 WebWire speaks WebSocket']);
  });

  it('may offer another protocol', async () => {
    await start({ gateways: { Gateway: { port: 0 } } });
    const { port } = app.get(Gateway).server.address as AddressInfo;
    const text = await answer(replace('Upgrade: websocket', 'Upgrade: h2c'), port);
    expect(text).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
    expect(refusals).toEqual(['/ 426 WebWire speaks WebSocket']);
  });
});
