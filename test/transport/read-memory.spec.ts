import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireMessage, WebwireModule, WebwireRequest, type Message } from 'nestjs-webwire';
import { Payload, type ReplyMessage } from 'nestjs-webwire/protocol';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, expect, it, onTestFinished } from 'vitest';
import { ca, tls } from '../support/certificate.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';

// A socket of Node.js reads into memory that all sockets share. Where that is not possible, it emits `data`.

@WebwireGateway()
class Gateway {
  readonly kept: Buffer[] = [];
  readonly started = new Queue<Message>();

  @WebwireRequest('keep') keep(@MessageBody() body: Buffer) {
    this.kept.push(body);
    return body;
  }
  @WebwireRequest('wait') async wait(@WebwireMessage() message: Message) {
    this.started.push(message);
    await once(message.abortSignal, 'abort');
  }
}

let app: TestApp;
afterEach(() => app.close());

/** Connects a client. @returns It, and its socket of the server. @param prepare Changes that before the upgrade. */
async function connect(isSecure: boolean, prepare: (socket: Socket) => void): Promise<[WireClient, Socket]> {
  const server = app.app.getHttpServer() as Server;
  const connected = once(server, isSecure ? 'secureConnection' : 'connection') as Promise<[Socket]>;
  const opening = isSecure ? WireClient.connect(`wss://localhost:${app.port}/`, { ca }) : app.connect();
  const [socket] = await connected;
  prepare(socket);
  const client = await opening;
  onTestFinished(() => client.socket.terminate());
  return [client, socket];
}

/** As if the Node.js of the future had no such method. */
function withoutUserBuffer(socket: Socket): void {
  const { _handle: handle } = socket as unknown as { _handle: object };
  Object.assign(handle, { useUserBuffer: undefined });
}

/** As a tool does that counts or records bytes. */
function listenToData(socket: Socket): void {
  socket.on('data', () => undefined);
}

const isNode = process.versions.bun === undefined;

/** Ways to read: the name, if the server is secure, what is done to its sockets, and if they emit `data`. */
const WAYS = isNode
  ? ([
      ['reused memory', false, () => undefined, false],
      ['reused memory, over TLS', true, () => undefined, false],
      ['the events of the socket', false, withoutUserBuffer, true],
      ['the events of a socket to which others listen', false, listenToData, true],
    ] as const)
  : ([['the events of the socket', false, () => undefined, true]] as const);

it.each(WAYS)('messages of any length arrive unchanged: %s', async (_way, isSecure, prepare, emitsData) => {
  const imports = [WebwireModule.forRoot({ messageBufferSize: 1024 * 1024 })];
  const httpsOptions = isSecure ? tls : undefined;
  app = await TestApp.startWithout({ imports, providers: [Gateway] }, undefined, { httpsOptions });
  const clients: [WireClient, Socket][] = [];
  while (clients.length < 3) clients.push(await connect(isSecure, prepare));
  let events = 0;
  for (const [, socket] of clients) socket.on('data', () => events++);

  const sizes = [0, 1, 125, 126, 4_095, 4_097, 65_535, 65_537, 300_000];
  for (const [n, [client]] of clients.entries()) {
    for (const size of sizes) client.send('keep', Payload.binary(Buffer.alloc(size, n + 1)));
  }
  for (const [n, [client]] of clients.entries()) {
    for (const size of sizes) {
      const reply = await client.next();
      const { payload } = reply as ReplyMessage;
      expect(Buffer.compare(payload, Buffer.alloc(size, n + 1))).toBe(0);
    }
  }
  for (const body of app.get(Gateway).kept) expect(Buffer.compare(body, Buffer.alloc(body.length, body[0]))).toBe(0);
  expect(events > 0).toBe(emitsData);
});

it('while a connection is not read, its end is noticed', async () => {
  app = await TestApp.start({ providers: [Gateway] }, { concurrencyLimit: 1 });
  const client = await app.connect();
  client.send('wait');
  const { abortSignal } = await app.get(Gateway).started.take();
  // More than may wait for a handler.
  for (let n = 0; n < 200; n++) client.send('keep');
  const aborted = once(abortSignal, 'abort');
  client.socket.terminate();
  await aborted;
});
