import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest } from 'nestjs-webwire';
import { Payload, type ReplyMessage } from 'nestjs-webwire/protocol';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { TestApp } from '../support/test-app.js';
import type { WireClient } from '../support/wire-client.js';

// A socket of Node.js reads into memory that all sockets share. Where that is not possible, it emits `data`.

@WebwireGateway()
class Gateway {
  readonly kept: Buffer[] = [];

  @WebwireRequest('keep') keep(@MessageBody() body: Buffer) {
    this.kept.push(body);
    return body;
  }
}

let app: TestApp;
afterEach(() => app.close());

/** Connects a client. @param prepare Changes its socket of the server before the upgrade. */
async function connect(prepare: (socket: Socket) => void = () => undefined): Promise<[WireClient, Socket]> {
  const connected = once(app.app.getHttpServer() as Server, 'connection') as Promise<[Socket]>;
  const opening = app.connect();
  const [socket] = await connected;
  prepare(socket);
  return [await opening, socket];
}

/** As if the Node.js of the future had no such method. */
function withoutUserBuffer(socket: Socket): void {
  const { _handle: handle } = socket as unknown as { _handle: object };
  Object.assign(handle, { useUserBuffer: undefined });
}

const isNode = process.versions.bun === undefined;

it.each([
  ['reused memory', undefined, !isNode],
  ['the events of the socket', withoutUserBuffer, true],
])('messages of any length that several clients send arrive unchanged: %s', async (_way, prepare, emitsData) => {
  app = await TestApp.start({ providers: [Gateway] }, { messageBufferSize: 1024 * 1024 });
  const clients = [await connect(prepare), await connect(prepare), await connect(prepare)];
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
