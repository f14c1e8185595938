import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { WebSocketServer } from '@nestjs/websockets';
import {
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  type DisconnectReason,
  type Message,
  type WebwireServer,
} from 'nestjs-webwire';
import { beforeEach, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';
import { TcpTransport } from './tcp-transport.js';

@WebwireGateway()
class EchoGateway {
  @WebSocketServer() server!: WebwireServer;
  readonly left = deferred<DisconnectReason>();
  work = deferred<string>();

  @WebwireRequest('echo') echo(@WebwireMessage() message: Message) {
    return message.payload;
  }
  @WebwireRequest('slow') slow() {
    return this.work.promise;
  }
  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.left.resolve(reason);
  }
}

const ECHO = '0000000f' + Buffer.from('\x801234567\0\x04echo!', 'latin1').toString('hex');
const REPLY = '0000000a' + Buffer.from('\xc01234567\0!', 'latin1').toString('hex');

let gateway: EchoGateway;

async function start(maxConnections = Infinity): Promise<TestApp> {
  const gateways = { EchoGateway: { port: 0, transport: new TcpTransport() } };
  const app = await TestApp.start({ providers: [EchoGateway] }, { gateways, maxConnections });
  gateway = app.get(EchoGateway);
  onTestFinished(() => app.close());
  return app;
}

/** Opens a connection. `read` reads a number of bytes from it. */
async function dial(): Promise<{ socket: Socket; read: (length: number) => Promise<string> }> {
  const socket = connect((gateway.server.address as AddressInfo).port);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return {
    socket,
    async read(length) {
      for (;;) {
        const bytes = socket.read(length) as Buffer | null;
        if (bytes) return bytes.toString('hex');
        await once(socket, 'readable');
      }
    },
  };
}

let app: TestApp;
beforeEach(async () => {
  app = await start();
});

it('is the one that docs/transports.md shows', async () => {
  const [page, source] = await Promise.all(
    ['../../docs/transports.md', './tcp-transport.ts'].map((file) => readFile(new URL(file, import.meta.url), 'utf8')),
  );
  expect(page).toContain(`\`\`\`ts\n${source}\`\`\``);
});

it('carries messages both ways, whole ones and in pieces', async () => {
  const { socket, read } = await dial();
  expect(await read(15)).toBe('0000000b17020060ea000000200000');
  socket.write(Buffer.from(ECHO + ECHO.slice(0, 20), 'hex'));
  expect(await read(14)).toBe(REPLY);
  socket.write(Buffer.from(ECHO.slice(20), 'hex'));
  expect(await read(14)).toBe(REPLY);
  socket.end();
  expect(await gateway.left.promise).toBe('client-close');
});

it.each([
  ['00000000', 'violation'],
  ['0000000107', 'violation'],
  ['00002001', 'violation'],
])('ends a connection after %s', async (bytes, reason) => {
  const { socket } = await dial();
  socket.resume();
  socket.write(Buffer.from(bytes, 'hex'));
  await once(socket, 'close');
  expect(await gateway.left.promise).toBe(reason);
});

it('loses a connection', async () => {
  const { socket } = await dial();
  socket.resetAndDestroy();
  expect(await gateway.left.promise).toBe('connection-lost');
});

it('rejects clients that must not connect', async () => {
  await app.close();
  await start(1);
  const [first, second] = [await dial(), await dial()];
  await first.read(15);
  second.socket.resume();
  await once(second.socket, 'close');
  expect(second.socket.bytesRead).toBe(0);
});

it('closes with the application, after the replies of running handlers', async () => {
  const { socket, read } = await dial();
  await read(15);
  socket.write(Buffer.from('0000000f' + ECHO.slice(8).replace('6563686f', '736c6f77'), 'hex'));
  socket.write(Buffer.from(ECHO, 'hex'));
  expect(await read(14)).toBe(REPLY);
  const closed = app.close();
  gateway.work.resolve('!');
  expect(await read(14)).toBe(REPLY);
  socket.resume();
  await Promise.all([closed, once(socket, 'close')]);
  expect(await gateway.left.promise).toBe('shutdown');
});

it.each<[string, () => unknown]>([
  ['nothing', () => undefined],
  ['a promise of nothing', () => Promise.resolve()],
  ['a promise of an object that cannot be closed', () => Promise.resolve({ address: null })],
])('fails the start if it returns %s', async (_, listen) => {
  const starting = TestApp.start({ providers: [EchoGateway] }, { transport: { listen } as never });
  await expect(starting).rejects.toThrow(
    /^listen\(\) of the WebWire transport returned .* has to return a promise of a/,
  );
});
