import * as fc from 'fast-check';
import { MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  WebwireGateway,
  WebwireRequest,
  type Handshake,
  type Listener,
  type Transport,
  type TransportConnection,
  type TransportHandlers,
  type WebwireServer,
} from 'nestjs-webwire';
import { decodeMessage, encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { deferred, type Deferred } from '../support/deferred.js';
import { TestApp } from '../support/test-app.js';

const RUNS = process.env.CI ? 300 : 40;
const MAX = 100;

/** A connection whose peer reads, sends and disconnects as the test decides. */
class ModelConnection implements TransportConnection {
  readonly remoteAddress = undefined;
  handlers!: TransportHandlers;
  bytesRead = 0;
  bufferedAmount = 0;
  readonly received: Uint8Array[] = [];
  readonly #waiting: Uint8Array[] = [];
  readonly #unread: Uint8Array[] = [];
  #isPaused = false;
  isClosed = false;

  send(message: Uint8Array): boolean {
    if (this.isClosed) return false;
    this.#waiting.push(message);
    this.bufferedAmount += message.length;
    return true;
  }
  pause(): void {
    this.#isPaused = true;
  }
  resume(): void {
    this.#isPaused = false;
  }
  close(): void {
    this.isClosed = true;
  }
  terminate(): void {
    this.isClosed = true;
  }

  /** The peer sends a message. */
  push(message: Uint8Array): void {
    this.#unread.push(message);
    this.pump();
  }

  /** Delivers the messages of the peer, as long as the server reads. */
  pump(): void {
    while (!this.#isPaused && this.#unread.length > 0) this.handlers.receive(this.#unread.shift()!);
  }

  /** The peer reads this number of messages. */
  take(count: number): void {
    for (const message of this.#waiting.splice(0, count)) {
      this.received.push(message);
      this.bufferedAmount -= message.length;
    }
    if (this.#waiting.length === 0 && !this.isClosed) this.handlers.drained();
    this.pump();
  }
}

class ModelTransport implements Transport {
  #server!: WebwireServer;
  async listen(server: WebwireServer): Promise<Listener> {
    this.#server = server;
    return { address: 'model', close: () => Promise.resolve() };
  }
  async connect(concurrencyLimit: number): Promise<ModelConnection> {
    const connection = new ModelConnection();
    await this.#server.admit({ url: '/', headers: {} }, undefined, (handshake: Handshake) => {
      handshake.concurrencyLimit = concurrencyLimit;
      connection.handlers = this.#server.accept(connection, handshake);
    });
    connection.take(1);
    connection.received.length = 0;
    return connection;
  }
}

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  pending: Deferred<Buffer>[] = [];
  running = 0;
  mostRunning = 0;

  @WebwireRequest('now') now(@MessageBody() body: Buffer) {
    return body;
  }
  @WebwireRequest('later') later() {
    const work = deferred<Buffer>();
    this.pending.push(work);
    this.mostRunning = Math.max(this.mostRunning, ++this.running);
    return work.promise.finally(() => this.running--);
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ does: fc.constantFrom('now', 'later'), count: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 5, arbitrary: fc.record({ does: fc.constant('take'), count: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('finish'), count: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('turn', 'shut down'), count: fc.constant(1) }) },
);

it('every request gets exactly one reply, in any order in which peers read and handlers end', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(1, 3, Infinity),
      async (steps, concurrencyLimit) => {
        const transport = new ModelTransport();
        const app = await TestApp.start(
          { providers: [Gateway] },
          { transport, maxBufferedAmount: MAX, sessions: false, shutdownTimeout: 5_000 },
        );
        const gateway = app.get(Gateway);
        const connection = await transport.connect(concurrencyLimit);
        let sent = 0;
        let shutdown: Promise<void> | undefined;
        const finish = async (count: number) => {
          for (const work of gateway.pending.splice(0, count)) work.resolve(Buffer.alloc(20));
          await nextTurn();
          connection.pump();
        };
        try {
          for (const { does, count } of steps) {
            if (does === 'take') connection.take(count);
            else if (does === 'finish') await finish(count);
            else if (does === 'turn') await nextTurn();
            else if (does === 'shut down') {
              // Without a running handler, the connection would close at once.
              if (gateway.running === 0) continue;
              shutdown ??= gateway.server.shutdown();
            } else if (!connection.isClosed) {
              for (let n = 0; n < count; n++) {
                const id = Buffer.alloc(8);
                id.writeUInt32LE(++sent);
                const payload = Buffer.alloc(20);
                connection.push(encodeMessage({ type: MessageType.RequestBinary, id, name: does, payload }));
              }
            }
          }
          // Finally, the peer reads everything, and all handlers end.
          while (!connection.isClosed && connection.received.length < sent) {
            connection.take(100);
            await finish(100);
          }
          connection.take(Infinity);
          const ids = connection.received.map((reply) => Buffer.from(reply).readUInt32LE(1));
          expect(new Set(ids).size).toBe(ids.length);
          // A shutdown closes the connection when the last handler has ended.
          const isCut = shutdown !== undefined && connection.isClosed;
          const all = Array.from({ length: sent }, (_, n) => n + 1);
          expect(ids.toSorted((a, b) => a - b)).toEqual(isCut ? all.filter((id) => ids.includes(id)) : all);
          for (const reply of connection.received) {
            expect([MessageType.ReplyBinary, MessageType.ReplyShutdown]).toContain(decodeMessage(reply).type);
          }
          expect(gateway.mostRunning).toBeLessThanOrEqual(concurrencyLimit);
        } finally {
          connection.isClosed = true;
          connection.handlers.closed(false);
          await finish(Infinity);
          await shutdown;
          await app.close();
        }
      },
    ),
    { numRuns: RUNS },
  );
}, 120_000);
