import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { WebwireClient } from 'nestjs-webwire/client';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { deflate, serverFrame } from '../support/frames.js';
import { Queue } from '../support/queue.js';
import { ACCEPT_CONF, replyUtf8 } from './fake-server.js';
import { outcome } from './outcome.js';

// In Node.js, `ws` inflates the messages for the client. No data of a server may crash the process.

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

let server: Server;
let client: WebwireClient;
const sockets = new Queue<Socket>();

beforeEach(async () => {
  server = createServer().on('upgrade', ({ headers }, socket: Socket) => {
    // `ws` fails if the server accepts an extension that the client did not offer.
    const accept = createHash('sha1').update(`${headers['sec-websocket-key']}${GUID}`).digest('base64');
    socket.on('error', () => undefined);
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    socket.write(serverFrame(0x82, Buffer.from(ACCEPT_CONF, 'hex')));
    sockets.push(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  client = new WebwireClient(`ws://127.0.0.1:${port}`, { webSocket: WebSocket, reconnect: false });
});
afterEach(async () => {
  await client.close();
  server.close();
});

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** A signal that takes time to inflate. */
const large = serverFrame(0xc2, deflate(Buffer.concat([bytes('400161'), Buffer.alloc(8_000, 0x61)])));
const bomb = serverFrame(0xc2, deflate(Buffer.alloc(5_000_000)));

const HOSTILE: [what: string, ...parts: Buffer[]][] = [
  ['data that cannot be inflated', serverFrame(0xc2, bytes('07'))],
  ['data that is cut off', serverFrame(0xc2, deflate(bytes('40016161616161')).subarray(0, 4))],
  ['data after its last block', serverFrame(0xc2, Buffer.concat([deflateRawSync(bytes('400161')), bytes('07070707')]))],
  ['an empty message', serverFrame(0xc2, Buffer.of(0))],
  ['a message far too large', bomb],
  ['a message far too large, and then nothing', bomb, Buffer.alloc(0)],
  ['a frame that is broken behind one that is inflated', large, bytes('f200')],
  ['a frame that is broken, apart, behind one that is inflated', large, Buffer.alloc(0), bytes('f200')],
  ['data that is broken behind data that is inflated', large, serverFrame(0xc2, bytes('07')), large],
  ['text behind data that is inflated', large, serverFrame(0xc1, deflate('text')), large],
  ['nonsense before data that is inflated', serverFrame(0x82, bytes('ff')), large, large],
  ['a close frame before data that is inflated', large, bytes('880203e8'), large],
  ['a close code that does not exist behind data that is inflated', large, bytes('88020000'), large],
  ['a compressed ping', serverFrame(0xc9, deflate('ping'))],
  ['a compressed continuation', serverFrame(0x42, Buffer.of(0)), serverFrame(0xc0, Buffer.of(0))],
  [
    'a part of a message that cannot be inflated',
    serverFrame(0x42, bytes('07')),
    serverFrame(0x80, bytes('07')),
    large,
  ],
  ['noise', serverFrame(0xc2, Buffer.alloc(50_000, 0xff)), randomBytes(50_000)],
];

/** Resolves with the next connection of the client, at the server's side. */
async function connected(): Promise<Socket> {
  const connecting = client.connect();
  const socket = await sockets.take();
  onTestFinished(() => void socket.destroy());
  await connecting;
  return socket;
}

describe.each(['ends', 'is cut'])('a connection that %s after', (how) => {
  it.each(HOSTILE)('%s is lost, but not the client', async (_what, ...parts) => {
    const socket = await connected();
    const lost = outcome(client.request('never answered'));
    const disconnected = new Promise((resolve) => {
      client.on('disconnected', resolve);
    });
    for (const part of parts) {
      socket.write(part);
      await new Promise(setImmediate);
    }
    if (how === 'ends') socket.end();
    else socket.resetAndDestroy();
    expect(await lost).toMatch(/^[A-Z_]+: /);
    await disconnected;

    const next = await connected();
    const received = once(next, 'data');
    const reply = client.request('answered');
    await received;
    next.write(serverFrame(0xc2, deflate(bytes(replyUtf8(2, 'yes')))));
    expect((await reply).text()).toBe('yes');
    next.destroy();
  });
});
