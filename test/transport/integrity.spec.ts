import { MessageBody } from '@nestjs/websockets';
import {
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireModule,
  WebwireRequest,
  WebwireService,
  WsTransport,
  type Message,
} from 'nestjs-webwire';
import { MessageType, Payload, type ReplyMessage, type SignalMessage } from 'nestjs-webwire/protocol';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { generate } from 'selfsigned';
import { afterEach, expect, it } from 'vitest';
import { TestApp } from '../support/test-app.js';
import { WireClient } from '../support/wire-client.js';

// Memory is shared: messages are views of received bytes, frames are next to each other in written bytes, and large payloads
// are not copied. Each byte has to arrive nevertheless, with any concurrent messages.

const MAX_LENGTH = 200_000;

@WebwireGateway()
class Gateway {
  readonly connections: WebwireConnection[] = [];
  readonly kept: { message: Message; body: Buffer; copy: Buffer; id: Buffer }[] = [];

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
  @WebwireRequest('now') now(@MessageBody() body: Buffer) {
    return body;
  }
  @WebwireRequest('later') async later(@MessageBody() body: Buffer, @WebwireMessage() message: Message) {
    this.kept.push({ message, body, copy: Buffer.from(body), id: Buffer.from(message.identifier!) });
    await nextTurn();
    return body;
  }
}

let app: TestApp;
const clients: WireClient[] = [];

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.terminate();
  await app.close();
});

type Kind = 'plain' | 'secure' | 'compressing';

const KINDS: readonly Kind[] = ['plain', 'secure', 'compressing'];

async function start(kind: Kind): Promise<void> {
  const isSecure = kind === 'secure';
  const transport = new WsTransport({ perMessageDeflate: kind === 'compressing' && { threshold: 100 } });
  const options = { messageBufferSize: MAX_LENGTH + 100, maxBufferedAmount: 2 ** 40, transport };
  const metadata = { imports: [WebwireModule.forRoot(options)], providers: [Gateway] };
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }]);
  app = await TestApp.startWithout(metadata, undefined, isSecure ? { httpsOptions: { key, cert } } : {});
}

async function connect(kind: Kind): Promise<WireClient> {
  const url = kind === 'secure' ? app.url().replace('ws:', 'wss:') : app.url();
  const perMessageDeflate = kind === 'compressing' && { threshold: 100 };
  const client = await WireClient.connect(url, { rejectUnauthorized: false, perMessageDeflate });
  clients.push(client);
  return client;
}

/** Pseudo-random numbers from 0 to 1, the same in each run. */
function randomNumbers(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) / 2 ** 24;
  };
}

/** Lengths around all limits at which the code differs, small ones more often. */
function lengthOf(random: () => number): number {
  const kind = random();
  if (kind < 0.6) return Math.floor(random() * 300);
  if (kind < 0.8) return Math.floor(random() * 9_000);
  if (kind < 0.9) return 16_300 + Math.floor(random() * 200);
  return Math.floor(random() * (kind < 0.95 ? 70_000 : MAX_LENGTH));
}

/** Bytes that differ for each seed. */
function content(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length + 1, seed);
  for (let index = 0; index < bytes.length; index += 3) bytes[index] = index * 31 + seed * 7 + (index >>> 8);
  return bytes;
}

it.each(KINDS)(
  'slow readers receive exactly the sent bytes, over %s connections',
  async (kind) => {
    await start(kind);
    const random = randomNumbers();
    const slow = await connect(kind);
    const other = await connect(kind);
    const [toSlow, toOther] = app.get(Gateway).connections as [WebwireConnection, WebwireConnection];
    const service = app.get(WebwireService);
    slow.socket.pause();
    const sent: Buffer[] = [];
    let others = 0;
    let most = 0;
    // Until far more waits than the operating system buffers.
    for (let n = 0; n < 400 || most < 4_000_000; n++) {
      const bytes = content(lengthOf(random), n);
      sent.push(bytes);
      if (random() < 0.2) others += service.broadcast('all', bytes) - 1;
      else toSlow.signal('one', bytes);
      toOther.signal('other', content(200, n));
      others++;
      if (random() < 0.5) await nextTurn();
      most = Math.max(most, toSlow.bufferedAmount);
    }
    slow.socket.resume();
    for (const [n, bytes] of sent.entries()) {
      const { type, payload } = (await slow.next()) as SignalMessage;
      expect([n, type, bytes.equals(payload)]).toEqual([n, MessageType.SignalBinary, true]);
    }
    for (let n = 0; n < others; n++) await other.nextBytes();
  },
  60_000,
);

it.each(KINDS)(
  'requests of many sizes get their own bytes back, and kept payloads do not change, over %s connections',
  async (kind) => {
    await start(kind);
    const random = randomNumbers();
    const peers = await Promise.all([0, 1, 2, 3].map(() => connect(kind)));
    await Promise.all(
      peers.map(async (client, peer) => {
        for (let round = 0; round < 8; round++) {
          const asked = new Map<string, Buffer>();
          const isSlow = random() < 0.5;
          if (isSlow) client.socket.pause();
          for (let n = 0; n < 25; n++) {
            const body = content(lengthOf(random), n * 4 + peer);
            const id = client.send(random() < 0.5 ? 'now' : 'later', Payload.binary(body));
            asked.set(Buffer.from(id).toString('hex'), body);
            if (random() < 0.1) await nextTurn();
          }
          if (isSlow) client.socket.resume();
          while (asked.size > 0) {
            const { type, id, payload } = (await client.next()) as ReplyMessage;
            const name = Buffer.from(id).toString('hex');
            expect([peer, type, asked.get(name)?.equals(payload)]).toEqual([peer, MessageType.ReplyBinary, true]);
            asked.delete(name);
          }
        }
      }),
    );
    const { kept } = app.get(Gateway);
    expect(kept.length).toBeGreaterThan(100);
    for (const { message, body, copy, id } of kept) {
      expect(copy.equals(body) && copy.equals(message.payload.bytes) && id.equals(message.identifier!)).toBe(true);
    }
  },
  60_000,
);
