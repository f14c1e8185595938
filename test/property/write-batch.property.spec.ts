import * as fc from 'fast-check';
import { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { encodedLength, encodeMessage, MessageType, type EncodableMessage } from 'nestjs-webwire/protocol';
import { expect, it } from 'vitest';
import { FINAL_PONG } from '../../lib/transport/ws/framing/frame-header.js';
import { WriteBatch } from '../../lib/transport/ws/writing/write-batch.js';
import { WriteBufferPool } from '../../lib/transport/ws/writing/write-buffer-pool.js';
import { serverFrame } from '../support/frames.js';

const RUNS = process.env.CI ? 2_000 : 200;

/** A socket that reads written data only when the test calls `drain()`. */
class SlowSocket extends Duplex {
  received = Buffer.alloc(0);
  #taking: (() => void)[] = [];

  constructor(private readonly isSlow: () => boolean) {
    super({ highWaterMark: 1 });
  }
  override _read() {}
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void) {
    this.#take([chunk], done);
  }
  override _writev(chunks: { chunk: Buffer }[], done: () => void) {
    this.#take(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }
  /** Reads the waiting data. */
  drain() {
    const taking = this.#taking;
    this.#taking = [];
    for (const take of taking) take();
  }

  #take(chunks: Buffer[], done: () => void) {
    const take = () => {
      this.received = Buffer.concat([this.received, ...chunks]);
      done();
    };
    if (this.isSlow()) this.#taking.push(take);
    else take();
  }
}

/** An action on the connections of a server. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('reply', 'signal'), peer: fc.nat(2), size: sizes() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('broadcast'), peer: fc.nat(2), size: sizes() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('pong', 'flush'),
      peer: fc.nat(2),
      size: fc.nat(125),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('end of turn', 'begin read', 'end read', 'drain'),
      peer: fc.nat(2),
      size: fc.constant(0),
    }),
  },
);

function sizes() {
  return fc.oneof(
    { weight: 8, arbitrary: fc.nat(200) },
    { weight: 2, arbitrary: fc.nat(9_000) },
    { weight: 1, arbitrary: fc.nat(70_000) },
  );
}

it('frames are sent whole and in order, with any other frames at the same time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 7 }),
      async (steps, slowness) => {
        let writes = 0;
        const pool = new WriteBufferPool();
        const peers = [0, 1, 2].map(() => {
          const socket = new SlowSocket(() => slowness[writes++ % slowness.length]!);
          const fail = (error: unknown) => expect.unreachable(String(error));
          return {
            socket,
            batch: new WriteBatch(socket, pool, fail),
            expected: [] as Buffer[],
          };
        });
        let filling = 0;
        for (const { kind, peer, size } of steps) {
          const { batch, socket, expected } = peers[peer]!;
          const payload = Buffer.alloc(size, ++filling);
          if (kind === 'reply' || kind === 'signal') {
            const message: EncodableMessage =
              kind === 'reply'
                ? { type: MessageType.ReplyUtf8, id: Buffer.alloc(8, filling), payload }
                : { type: MessageType.SignalBinary, name: 'a name', payload };
            batch.addMessage(message, encodedLength(message));
            expected.push(serverFrame(0x82, encodeMessage(message)));
          } else if (kind === 'broadcast') {
            const message = encodeMessage({ type: MessageType.SignalBinary, name: 'news', payload });
            for (const each of peers) {
              each.batch.addEncoded(message);
              each.expected.push(serverFrame(0x82, message));
            }
          } else if (kind === 'pong') {
            batch.addFrame(FINAL_PONG, payload);
            expected.push(serverFrame(0x8a, payload));
          } else if (kind === 'flush') {
            batch.flush();
          } else if (kind === 'drain') {
            socket.drain();
          } else if (kind === 'begin read') {
            pool.beginRead();
          } else if (kind === 'end read') {
            pool.endRead();
          } else {
            await nextTurn();
          }
        }
        for (const { batch, socket, expected } of peers) {
          batch.flush();
          while (batch.bufferedAmount > 0) {
            socket.drain();
            await nextTurn();
          }
          expect(socket.received.equals(Buffer.concat(expected))).toBe(true);
        }
      },
    ),
    { numRuns: RUNS },
  );
}, 120_000);
