import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { WebSocketServer } from '@nestjs/websockets';
import {
  UseHandshakeGuards,
  WebwireConnection,
  WebwireGateway,
  WebwireModule,
  WebwireRequest,
  type DisconnectReason,
  type Handshake,
  type WebwireModuleOptions,
  type WebwireServer,
} from 'nestjs-webwire';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as connectTcp, type AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { setImmediate as passIo } from 'node:timers/promises';
import { connect as connectSecurely, type ConnectionOptions, type TLSSocket, type TlsOptions } from 'node:tls';
import { generate } from 'selfsigned';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ClientOptions } from 'ws';
import { ca, tls } from '../support/certificate.js';
import { Queue } from '../support/queue.js';
import { TcpClient, UPGRADE } from '../support/tcp-client.js';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';

/** Timeout for the close frame of a client, in ms. */
const CLOSE_TIMEOUT = 2_000;

/** Longer than any test may take. */
const HOUR = 60 * 60 * 1000;

/** Stores the name of the client's certificate, if it has one. */
class CertificateGuard implements CanActivate {
  canActivate(context: ExecutionContext) {
    const { socket } = context.switchToHttp().getRequest<IncomingMessage>();
    // Bun does not have the certificate of a client.
    const certificate = (socket as Partial<TLSSocket>).getPeerCertificate?.();
    context.switchToWs().getData<Handshake>().info = { name: certificate?.subject?.CN };
    return true;
  }
}

@UseHandshakeGuards(CertificateGuard)
@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly connections: WebwireConnection[] = [];
  readonly disconnects = new Queue<DisconnectReason>();

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.disconnects.push(reason);
  }
  @WebwireRequest('echo') echo(_connection: WebwireConnection, body: string) {
    return body;
  }
  @WebwireRequest('whoami') whoami({ info, remoteAddress }: WebwireConnection) {
    return `${String(info.name)} at ${remoteAddress}`;
  }
}

interface SecureApp {
  readonly app: TestApp;
  readonly gateway: Gateway;
  readonly port: number;
  readonly connect: (options?: ClientOptions) => Promise<WireClient>;
}

type Start = (
  handshakeTimeout: number,
  options?: WebwireModuleOptions,
  extra?: Pick<TlsOptions, 'requestCert' | 'ca'>,
) => Promise<SecureApp>;

const startOnHttpServer: Start = async (handshakeTimeout, options = {}, extra = {}) => {
  const metadata = { imports: [WebwireModule.forRoot(options)], providers: [Gateway] };
  const httpsOptions = { ...tls, handshakeTimeout, ...extra };
  const app = await TestApp.startWithout(metadata, undefined, { httpsOptions });
  return secureApp(app, app.port);
};

const startOnOwnPort: Start = async (handshakeTimeout, options = {}, extra = {}) => {
  const gateways = { Gateway: { port: 0, handshakeTimeout, tls: { ...tls, ...extra } } };
  const app = await TestApp.start({ providers: [Gateway] }, { ...options, gateways });
  return secureApp(app, (app.get(Gateway).server.address as AddressInfo).port);
};

function secureApp(app: TestApp, port: number): SecureApp {
  onTestFinished(() => app.close());
  return {
    app,
    gateway: app.get(Gateway),
    port,
    async connect(options = {}) {
      const client = await WireClient.connect(`wss://127.0.0.1:${port}/`, { ca, ...options });
      onTestFinished(() => client.socket.terminate());
      return client;
    },
  };
}

/** The first message of a TLS client. */
async function clientHello(): Promise<string> {
  return new Promise((resolve) => {
    const stream = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, callback) => {
        resolve(chunk.toString('latin1'));
        callback();
      },
    });
    const client = connectSecurely({ socket: stream, servername: 'localhost' });
    onTestFinished(() => void client.destroy());
  });
}

async function secureSocket(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectSecurely({ host: '127.0.0.1', port, ca, ...options });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

/** A client that has stopped during its handshakes, and a promise that resolves when it is disconnected. */
interface Stopped {
  readonly ended: Promise<unknown>;
}

/** Clients that stop during the TLS handshake. */
const INSECURE: [string, (port: number) => Promise<Stopped>][] = [
  ['says nothing', (port) => TcpClient.connect(port)],
  [
    'sends half of what opens a handshake',
    async (port) => {
      const [client, hello] = [await TcpClient.connect(port), await clientHello()];
      client.send(hello.slice(0, hello.length / 2));
      return client;
    },
  ],
  [
    'opens a handshake and stops there',
    async (port) => {
      const [client, hello] = [await TcpClient.connect(port), await clientHello()];
      client.send(hello);
      await client.received('\x16\x03\x03'); // the handshake messages of the server
      return client;
    },
  ],
];

/** Clients that stop after the TLS handshake. */
const SECURE: typeof INSECURE = ['', UPGRADE.slice(0, 30)].map((request) => [
  `is secure and asks for ${request === '' ? 'nothing' : 'half'}`,
  async (port) => {
    const socket = await secureSocket(port);
    socket.write(request);
    return { ended: once(socket.resume(), 'close') };
  },
]);

describe.each<[string, Start]>([
  ['the HTTP server of the application', startOnHttpServer],
  ['a port of its own', startOnOwnPort],
])('TLS on %s', (_place, start) => {
  it('clients that do not become secure are gone after handshakeTimeout, and others stay', async () => {
    const { port, connect } = await start(1_000);
    const other = await connect();
    const stopped = await Promise.all(INSECURE.map(([, stop]) => stop(port)));
    await Promise.all(stopped.map(({ ended }) => ended));
    expect(await other.ask('echo', 'still here')).toBe('utf8 still here');
  });

  it.each([...INSECURE, ...SECURE])(
    'a client that %s does not hold up the end of the application',
    async (_what, stop) => {
      const { app, port, connect } = await start(HOUR);
      const client = await connect();
      const { ended } = await stop(port);
      await app.app.close();
      expect(await client.closed).toEqual({
        code: 1001,
        reason: 'server shutting down after all replies',
      });
      await ended;
    },
  );

  it('a client that does not read is dropped when too much waits, and the others are served', async () => {
    const maxBufferedAmount = 100_000;
    const { app, gateway, connect } = await start(HOUR, { maxBufferedAmount });
    const [slow, other] = [await connect(), await connect()];
    slow.socket.pause();
    const [connection] = gateway.connections;
    let most = 0;
    while (connection!.signal('big', Buffer.alloc(8_000))) {
      await passIo();
      most = Math.max(most, connection!.bufferedAmount);
    }
    expect(most).toBeGreaterThan(maxBufferedAmount);
    expect(most).toBeLessThan(2 * maxBufferedAmount);
    expect(await other.ask('echo', 'unaffected')).toBe('utf8 unaffected');
    slow.socket.resume();
    expect(await slow.closed).toEqual({ code: 1013, reason: 'reads too slowly' });
    expect(await gateway.disconnects.take()).toBe('backlog');
    expect(app.logger.at('warn')).toEqual([expect.stringContaining('reads too slowly and is dropped')]);
  });

  it('a client that does not read does not hold up the end of the application', async () => {
    const { app, gateway, connect } = await start(HOUR);
    (await connect()).socket.pause();
    const [connection] = gateway.connections;
    while (connection!.bufferedAmount === 0) {
      connection!.signal('big', Buffer.alloc(8_000));
      await passIo();
    }
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const closed = app.app.close();
    while (gateway.server.connections.size > 0) {
      vi.advanceTimersByTime(CLOSE_TIMEOUT);
      await passIo();
    }
    await closed;
    expect(await gateway.disconnects.take()).toBe('shutdown');
  });

  it('messages of one tick leave together', async () => {
    const { gateway, port } = await start(HOUR);
    const socket = await secureSocket(port);
    const chunks = new Queue<Buffer>();
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.write(UPGRADE);
    let opening = '';
    while (!opening.includes('\x17\x02\x00')) opening += (await chunks.take()).toString('latin1'); // AcceptConf
    for (let n = 0; n < 500; n++) gateway.connections[0]!.signal('n', String(n % 10));
    const frames = Array.from({ length: 500 }, (_, n) => `820440016e${(0x30 + (n % 10)).toString(16)}`);
    // The frames fit one TLS record, so one write is one record.
    expect((await chunks.take()).toString('hex')).toBe(frames.join(''));
  });

  it('bytes that are no TLS end their connection, and no other', async () => {
    const { gateway, port, connect } = await start(HOUR);
    const other = await connect();
    const tcp = connectTcp(port, '127.0.0.1');
    const socket = await secureSocket(port, { socket: tcp });
    const client = await connect({ createConnection: () => socket });
    expect(await client.ask('echo', 'secure')).toBe('utf8 secure');
    tcp.write('nonsense'.repeat(8));
    expect(await gateway.disconnects.take()).toBe('connection-lost');
    expect(await client.closed).toMatchObject({ code: 1006 });
    expect(await other.ask('echo', 'unharmed')).toBe('utf8 unharmed');
  });

  it('clients may have to send certificates, which guards can read', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'Ada' }], {
      keyType: 'ec',
      algorithm: 'sha256',
    });
    const { connect } = await start(HOUR, {}, { requestCert: true, ca: cert });
    expect(await (await connect({ key, cert })).ask('whoami')).toMatch(/^utf8 Ada at (::ffff:)?127\.0\.0\.1$/);
    await expect(connect()).rejects.toThrow(/certificate required|ECONNRESET|hang up/);
  });
});

it('a TLS client without a request gets a response after handshakeTimeout', async () => {
  const { port } = await startOnOwnPort(1_000);
  const socket = await secureSocket(port);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString('latin1')).toContain('408 Request Timeout');
});
