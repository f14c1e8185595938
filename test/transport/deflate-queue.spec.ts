import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { DeflateQueue } from '../../lib/transport/ws/deflate/deflate-queue.js';
import type { Deflated, Deflater } from '../../lib/transport/ws/deflate/deflater.js';
import type { Inflater } from '../../lib/transport/ws/deflate/inflater.js';
import { COMPRESSED, FINAL_BINARY } from '../../lib/transport/ws/framing/frame-header.js';
import type { WriteBatch } from '../../lib/transport/ws/writing/write-batch.js';

/** Large enough to be compressed on another thread, in bytes. */
const LARGE = 20_000;

/** A queue whose messages are compressed when the test says so, and the messages that left it. */
function createQueue(maxWaitingBytes: number) {
  const left: Uint8Array[] = [];
  const compressing: ((deflated: Deflated) => void)[] = [];
  const events = { emptied: 0 };
  const batch: Pick<WriteBatch, 'addEncoded' | 'addFrame'> = {
    addEncoded: (message) => void left.push(message),
    addFrame: (firstByte, payload) => {
      expect(firstByte).toBe(FINAL_BINARY | COMPRESSED);
      left.push(payload);
    },
  };
  const deflater: Pick<Deflater, 'deflateLater'> = { deflateLater: (_message, done) => void compressing.push(done) };
  const compression = {
    deflater: deflater as Deflater,
    inflater: undefined as unknown as Inflater,
    threshold: 1_000,
    maxCompressedLength: Infinity,
  };
  const queue = new DeflateQueue(batch as WriteBatch, compression, maxWaitingBytes, () => void events.emptied++);
  return { queue, left, compressing, events };
}

it('messages leave uncompressed, in order, when too many wait to be compressed', () => {
  const { queue, left, compressing, events } = createQueue(3 * LARGE);
  const messages: Uint8Array[] = Array.from({ length: 6 }, () => randomBytes(LARGE));
  // Positions in `messages`: to compare the bytes of messages takes a second.
  const leftMessages = () => left.map((message) => messages.indexOf(message));
  for (const message of messages.slice(0, 3)) queue.addEncoded(message);
  expect([left.length, queue.waitingBytes]).toEqual([0, 3 * LARGE]);
  queue.addEncoded(messages[3]!);
  expect(leftMessages()).toEqual([0, 1, 2, 3]);
  expect([queue.waitingBytes, queue.isEmpty, events.emptied]).toEqual([0, true, 1]);

  // The first one is still being compressed. Another one does not wait for that, nor is it compressed, too.
  queue.addEncoded(messages[4]!);
  expect(leftMessages()).toEqual([0, 1, 2, 3, 4]);
  expect(compressing).toHaveLength(1);
  compressing[0]!(Buffer.from('no longer needed'));
  expect(leftMessages()).toEqual([0, 1, 2, 3, 4]);

  // From now on, messages are compressed again.
  const compressed = Buffer.from('compressed');
  queue.addEncoded(messages[5]!);
  compressing[1]!(compressed);
  expect(left.at(-1)).toBe(compressed);
  expect(events.emptied).toBe(2);
});

it('messages that wait leave in order, however many they are', () => {
  const { queue, left, compressing } = createQueue(Infinity);
  const messages = Array.from({ length: 100_000 }, (_, n) => Buffer.from([n]));
  queue.addEncoded(randomBytes(LARGE));
  for (const message of messages) queue.addEncoded(message);
  expect(left).toEqual([]);
  compressing[0]!(Buffer.from('compressed'));
  expect(left).toHaveLength(1 + messages.length);
  expect(left.findIndex((message, n) => n > 0 && message !== messages[n - 1])).toBe(-1);
  expect(queue.isEmpty).toBe(true);
});
