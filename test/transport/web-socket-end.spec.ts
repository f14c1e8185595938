import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest, type DisconnectReason } from 'nestjs-webwire';
import type { WebwireConnection } from 'nestjs-webwire';
import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Queue } from '../support/queue.js';
import { TcpClient } from '../support/tcp-client.js';
import { TestApp } from '../support/test-app.js';

@WebwireGateway()
class Gateway {
  readonly disconnects = new Queue<DisconnectReason>();

  handleDisconnect(_connection: WebwireConnection, reason: DisconnectReason) {
    this.disconnects.push(reason);
  }
  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
}

let app: TestApp;
let gateway: Gateway;

beforeEach(async () => {
  app = await TestApp.start({ providers: [Gateway] });
  gateway = app.get(Gateway);
});
afterEach(async () => {
  await app.close();
});

/** A frame with a mask of zeros. */
function frame(first: number, payload: Uint8Array): string {
  return Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0, ...payload]).toString('latin1');
}

/** Number of requests that are read in several turns. */
const MANY = 1_000;

function requests(): string {
  const echo = { type: MessageType.RequestUtf8, id: Buffer.alloc(8, 1), name: 'echo' } as const;
  return Array.from({ length: MANY }, (_, n) =>
    frame(0x82, encodeMessage({ ...echo, payload: Buffer.from(`<${n}>`) })),
  ).join('');
}

function replies(received: string): string[] {
  return [...received.matchAll(/<\d+>/g)].map(([reply]) => reply);
}

const ALL_REPLIES = Array.from({ length: MANY }, (_, n) => `<${n}>`);

it('a client that only reads after its requests gets all replies', async () => {
  const client = await TcpClient.upgrade(app.port);
  client.send(requests());
  client.socket.end();
  expect(replies(await client.ended)).toEqual(ALL_REPLIES);
  expect(await gateway.disconnects.take()).toBe('connection-lost');
});

it('a client that closes after its requests, and sends nothing more, gets all replies and an answer', async () => {
  const client = await TcpClient.upgrade(app.port);
  client.send(requests() + frame(0x88, Buffer.from('03e8', 'hex')));
  client.socket.end();
  const received = await client.ended;
  expect(replies(received)).toEqual(ALL_REPLIES);
  expect(received.endsWith('\x88\x02\x03\xe8')).toBe(true);
  expect(await gateway.disconnects.take()).toBe('client-close');
});

it('a reason of the client that is not text is not sent back', async () => {
  const client = await TcpClient.upgrade(app.port);
  await client.received('\x17\x02');
  client.send(frame(0x88, Buffer.from('0fa0ff', 'hex')));
  const received = await client.ended;
  expect(received.endsWith('\x88\x02\x0f\xa0')).toBe(true);
  client.socket.end();
});
