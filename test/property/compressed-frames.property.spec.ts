import * as fc from 'fast-check';
import type { Socket } from 'node:net';
import { Duplex, type Writable } from 'node:stream';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { constants, deflateRawSync } from 'node:zlib';
import { encodedLength, encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import { describe, expect, it } from 'vitest';
import * as ws from 'ws';
import { PermessageDeflate, type Compression } from '../../lib/transport/ws/deflate/permessage-deflate.js';
import { ZlibLimiter } from '../../lib/transport/ws/deflate/zlib-limiter.js';
import { WebSocketConnection } from '../../lib/transport/ws/websocket-connection.js';
import { WriteBufferPool } from '../../lib/transport/ws/writing/write-buffer-pool.js';

/** Number of inputs for each property. */
const RUNS = process.env.CI ? 2_000 : 200;

const TIMEOUT = 120_000;

/** Longer than the limit for synchronous inflating, so that both ways of inflating are tested. */
const MAX_LENGTH = 20_000;

/** The types of `ws` leave these out, but they are exported. */
const { PerMessageDeflate, Receiver } = ws as unknown as {
  PerMessageDeflate: new (options: object) => { accept(offers: object[]): void };
  Receiver: new (options: object) => Writable;
};

const TOO_LARGE = new Set(['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH']);

/** The results of a reader, in order, as text. */
type Findings = string[];

function receiverOf(isServer: boolean, maxPayload: number): Writable {
  const extension = new PerMessageDeflate({ isServer, maxPayload });
  extension.accept([{ server_no_context_takeover: [true], client_no_context_takeover: [true] }]);
  return new Receiver({
    isServer,
    maxPayload,
    skipUTF8Validation: true,
    extensions: { 'permessage-deflate': extension },
  });
}

/** Reads data of a client with `ws`, or data of a server. */
async function readWithWs(chunks: readonly Buffer[], isServer: boolean): Promise<Findings> {
  const findings: Findings = [];
  // `ws` has one limit for compressed and inflated messages, so the limit for inflated messages is checked here.
  const receiver = receiverOf(isServer, 2 * MAX_LENGTH);
  const done = new Promise<void>((resolve) => {
    receiver.on('conclude', (code: number, reason: Buffer) => {
      findings.push(`close ${code} ${reason.toString('hex')}`);
      resolve();
    });
    receiver.on('error', (error: Error & { code: string }) => {
      findings.push(TOO_LARGE.has(error.code) ? 'too large' : 'invalid');
      resolve();
    });
    receiver.on('finish', resolve);
  });
  receiver.on('message', (data: Buffer, isBinary: boolean) => {
    findings.push(data.length > MAX_LENGTH ? 'too large' : message(data, isBinary));
  });
  receiver.on('ping', (data: Buffer) => findings.push(`ping ${data.toString('hex')}`));
  for (const chunk of chunks) receiver.write(Buffer.from(chunk));
  receiver.end();
  await done;
  const last = findings.findIndex((finding) => finding === 'too large' || finding.startsWith('text'));
  return last === -1 ? findings : findings.slice(0, last + 1);
}

/** A socket whose peer is the test, which decides when data arrives and when written data is accepted. */
class TestSocket extends Duplex {
  readonly written: Buffer[] = [];
  bytesRead = 0;
  bytesWritten = 0;
  remoteAddress = undefined;

  constructor(private readonly isSlow: () => boolean = () => false) {
    super({ allowHalfOpen: true, highWaterMark: 1_024 });
  }
  setTimeout() {}
  setNoDelay() {}
  override _read() {}
  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void) {
    this.written.push(chunk);
    if (this.isSlow()) setImmediate(done);
    else done();
  }
}

const NO_COMPRESSION_OF_REPLIES = 2 ** 40;

function compression(threshold: number): Compression {
  const agreement = new PermessageDeflate(new ZlibLimiter(), threshold, MAX_LENGTH).accept('permessage-deflate');
  if (typeof agreement !== 'object') throw new Error('not accepted');
  return agreement.compression;
}

/** A connection on a test socket, and the calls of its handlers. */
function connectionOn(socket: TestSocket, threshold: number) {
  const findings: Findings = [];
  let isOver = false;
  const connection = new WebSocketConnection(
    socket as unknown as Socket,
    new WriteBufferPool(),
    { messageBufferSize: MAX_LENGTH, maxBufferedAmount: 2 ** 30, readTimeout: 60_000 },
    Buffer.alloc(0),
    compression(threshold),
  );
  const closed = new Promise<void>((resolve) => {
    connection.start(
      {
        receive: (bytes, start, end) => {
          if (!isOver) findings.push(message(Buffer.from(bytes.subarray(start, end)), true));
        },
        violate: ({ code }) => {
          if (isOver) return;
          isOver = true;
          findings.push(code === 'TEXT_FRAME' ? 'text' : code === 'MESSAGE_TOO_LARGE' ? 'too large' : 'invalid');
          connection.pause();
          setImmediate(() => connection.close(1002, ''));
        },
        congest: () => undefined,
        drained: () => undefined,
        fail: () => undefined,
        closed: () => {
          findings.push('closed');
          resolve();
        },
      },
      Buffer.alloc(0),
    );
  });
  return { connection, findings, closed };
}

/** Reads with a connection of the server: with pauses between chunks, and an end that may come during inflating. */
async function readWithConnection(
  chunks: readonly Buffer[],
  { pauses, isCut }: { pauses: readonly boolean[]; isCut: boolean },
): Promise<Findings> {
  const socket = new TestSocket();
  const { connection, findings, closed } = connectionOn(socket, NO_COMPRESSION_OF_REPLIES);
  for (const [index, chunk] of chunks.entries()) {
    socket.push(Buffer.from(chunk));
    const isPaused = pauses.length > 0 && pauses[index % pauses.length];
    if (isPaused) connection.pause();
    await nextTurn();
    if (isPaused) connection.resume();
  }
  if (isCut) {
    socket.destroy();
  } else {
    socket.push(null);
    socket.on('finish', () => socket.destroy());
  }
  await closed;
  await nextTurn();
  expect(findings.pop()).toBe('closed');
  expect(findings).not.toContain('closed');
  return findings;
}

function message(data: Buffer, isBinary: boolean): string {
  if (!isBinary) return 'text';
  return data.length > 200
    ? `binary of ${data.length}, ${data.toString('hex', 0, 20)}`
    : `binary ${data.toString('hex')}`;
}

const content = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 80 }) },
  { weight: 2, arbitrary: fc.integer({ min: 100, max: 16_000 }).map((length) => Buffer.alloc(length, length)) },
  {
    weight: 2,
    arbitrary: fc.integer({ min: 16_384, max: MAX_LENGTH + 5 }).map((length) => Buffer.alloc(length, length)),
  },
  { weight: 1, arbitrary: fc.constant(Buffer.alloc(150_000)) },
);

/** Options of the compression of a message. */
const options = fc.constantFrom({}, { level: 0 }, { level: 9 }, { strategy: constants.Z_FIXED }, { windowBits: 9 });

/** A message in one frame or in several, with others in between. */
const sentMessage = fc
  .record({
    content,
    options,
    isCompressed: fc.constantFrom(true, true, true, false),
    isText: fc.constantFrom(false, false, false, false, false, false, false, false, true),
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 3 }),
    between: fc.constantFrom('', '', 'ping', 'pong'),
    isFinished: fc.constantFrom(false, false, false, true),
  })
  .map(({ content: bytes, options: zlib, isCompressed, isText, cuts, between, isFinished }) => {
    const stream = deflateRawSync(bytes, { ...zlib, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
    // `ws` inflates each frame, and starts again after a final block, so a final block must end the message.
    const isOnePiece = cuts.length === 0;
    const finished = isFinished && isOnePiece ? Buffer.concat([deflateRawSync(bytes, zlib), Buffer.of(0)]) : stream;
    const payload = isCompressed ? finished : bytes;
    const places = [
      0,
      ...cuts.map((cut) => Math.floor(cut * payload.length)).toSorted((a, b) => a - b),
      payload.length,
    ];
    const frames = places.slice(1).flatMap((end, index) => {
      const first =
        (index === 0 ? (isText ? 1 : 2) | (isCompressed ? 0x40 : 0) : 0) | (index === places.length - 2 ? 0x80 : 0);
      const control = between === '' || index === 0 ? [] : [frame(between === 'ping' ? 0x89 : 0x8a, Buffer.of(1, 2))];
      return [...control, frame(first, payload.subarray(places[index], end))];
    });
    return Buffer.concat(frames);
  });

/** A frame that ends the connection. */
const lastFrame = fc.constantFrom(
  frame(0x88, Buffer.of(3, 232)),
  frame(0x88, Buffer.alloc(0)),
  frame(0xc9, Buffer.of(1)),
  frame(0xc0, Buffer.of(0)),
  frame(0xe2, Buffer.of(0)),
  frame(0xa2, Buffer.of(0)),
  frame(0x80, Buffer.of(0)),
  frame(0xc2, Buffer.of(7)),
  frame(0xc2, Buffer.from('ffffffff', 'hex')),
  Buffer.from('c2ff7000000000000000', 'hex'),
);

function frame(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const size = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + size);
  header[0] = first;
  header[1] = 0x80 | (size === 0 ? length : size === 2 ? 126 : 127);
  if (size === 2) header.writeUInt16BE(length, 2);
  if (size === 8) header.writeBigUInt64BE(BigInt(length), 2);
  const mask = Buffer.from('37fa213d', 'hex');
  return Buffer.concat([header, mask, payload.map((byte, index) => byte ^ mask[index & 3]!)]);
}

/** Bytes as they arrive, cut anywhere. */
function inChunks(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer[]> {
  return fc
    .tuple(bytes, fc.oneof(fc.constant([]), fc.array(fc.nat(600), { maxLength: 12 }), fc.constant('bytes' as const)))
    .map(([all, cuts]) => {
      if (cuts === 'bytes' && all.length < 500) return [...all].map((byte) => Buffer.of(byte));
      const numbers = cuts === 'bytes' ? [1, 2, 3] : cuts;
      const places = [...new Set([0, ...numbers.map((cut) => Math.min(cut, all.length)), all.length])].toSorted(
        (a, b) => a - b,
      );
      return places.slice(1).map((end, index) => all.subarray(places[index], end));
    });
}

const conversation = fc.tuple(fc.array(sentMessage, { maxLength: 5 }), fc.option(lastFrame));
const circumstances = fc.record({ pauses: fc.array(fc.boolean(), { maxLength: 5 }), isCut: fc.boolean() });

it(
  'compressed messages are read as ws reads them, in any pieces',
  async () => {
    const seen = new Set<string>();
    const bytes = conversation.map(([messages, last]) => Buffer.concat(last ? [...messages, last] : messages));
    await fc.assert(
      fc.asyncProperty(inChunks(bytes), circumstances, async (chunks, how) => {
        const expected = (await readWithWs(chunks, true)).filter(isNoControl);
        expect(await readWithConnection(chunks, how)).toEqual(expected);
        for (const finding of expected) seen.add(finding.split(' ', 1)[0]!);
      }),
      { numRuns: RUNS },
    );
    // Checks that the inputs cover all kinds of results.
    expect([...seen].toSorted()).toEqual(['binary', 'invalid', 'text', 'too']);
  },
  TIMEOUT,
);

describe('messages that arrived in several packets when the connection is lost', () => {
  const messages = [1, 2, 3].map((n) => frame(0x82, Buffer.of(n)));

  it('are read although reading was paused', async () => {
    const socket = new TestSocket();
    const { connection, findings, closed } = connectionOn(socket, NO_COMPRESSION_OF_REPLIES);
    connection.pause();
    for (const bytes of messages) socket.push(bytes);
    socket.destroy();
    await closed;
    expect(findings).toEqual(['binary 01', 'binary 02', 'binary 03', 'closed']);
  });

  it.each(['before', 'after'])(
    'are read after a message that is still inflated: lost %s reading goes on',
    async (when) => {
      const socket = new TestSocket();
      const { connection, findings, closed } = connectionOn(socket, NO_COMPRESSION_OF_REPLIES);
      const large = Buffer.alloc(MAX_LENGTH, 1);
      const compressed = deflateRawSync(large, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
      connection.pause();
      for (const bytes of [frame(0xc2, compressed), ...messages]) socket.push(bytes);
      if (when === 'before') socket.destroy();
      connection.resume();
      if (when === 'after') socket.destroy();
      await closed;
      expect(findings).toEqual([message(large, true), 'binary 01', 'binary 02', 'binary 03', 'closed']);
    },
  );
});

/** Returns false for pings and pongs, which a connection answers itself. */
function isNoControl(finding: string): boolean {
  return !finding.startsWith('ping') && !finding.startsWith('close');
}

/** Returns true if the last frame of the last message is missing, at the end of the data or before a close frame. */
function endsInMessage(bytes: Buffer): boolean {
  let isInMessage = false;
  for (let offset = 0; offset + 2 <= bytes.length;) {
    const first = bytes[offset]!;
    const size = bytes[offset + 1]! & 0x7f;
    const payload = offset + (size === 126 ? 8 : size === 127 ? 14 : 6);
    const isClose = (first & 0x0f) === 8;
    if (isClose || payload > bytes.length) break;
    const length =
      size === 126 ? bytes.readUInt16BE(offset + 2) : size === 127 ? Number(bytes.readBigUInt64BE(offset + 2)) : size;
    offset = payload + length;
    const isControl = (first & 0x08) !== 0;
    if (!isControl && offset <= bytes.length) isInMessage = (first & 0x80) === 0;
  }
  return isInMessage;
}

it(
  'bytes that are wrong anywhere end their connection, or are read as ws reads them',
  async () => {
    const bytes = fc
      .tuple(conversation, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 }))
      .map(([[messages], changes]) => {
        const all = Buffer.concat(messages);
        for (const [place, value] of changes) if (place < all.length) all[place] = value;
        return all;
      });
    await fc.assert(
      fc.asyncProperty(inChunks(bytes), circumstances, async (chunks, how) => {
        const expected = (await readWithWs(chunks, true)).filter(isNoControl);
        const findings = await readWithConnection(chunks, how);
        const index = findings.findIndex((finding) => finding === 'invalid' || finding === 'too large');
        // `ws` accepts truncated data, and ignores data after the final block.
        const length = index === -1 ? Infinity : index;
        // `ws` inflates each frame, a connection the whole message: it says nothing about one that never ends.
        const isUnread = index === -1 && ['invalid', 'too large'].includes(expected.at(-1)!);
        if (isUnread && endsInMessage(Buffer.concat(chunks))) expected.pop();
        expect(findings.slice(0, length)).toEqual(expected.slice(0, length));
      }),
      { numRuns: RUNS },
    );
  },
  TIMEOUT,
);

/** An action of the server on one connection. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('reply', 'signal'),
      size: fc.oneof(fc.nat(300), fc.integer({ min: 16_000, max: 17_000 }), fc.nat(100_000)),
      isNoise: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('turn'), size: fc.nat(0), isNoise: fc.constant(false) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ping'), size: fc.nat(0), isNoise: fc.constant(false) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drain'), size: fc.nat(0), isNoise: fc.constant(false) }) },
);

it(
  'messages are sent whole and in order, compressed or not, and the close frame last',
  async () => {
    const id = Buffer.alloc(8, 1);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 20 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
        fc.constantFrom(0, 100, 20_000),
        async (steps, slowness, threshold) => {
          let writes = 0;
          const socket = new TestSocket(() => slowness[writes++ % slowness.length]!);
          const { connection, closed } = connectionOn(socket, threshold);
          const expected: Buffer[] = [];
          for (const { kind, size, isNoise } of steps) {
            const payload = Buffer.alloc(size, 7);
            if (isNoise)
              for (let index = 0; index < size; index++) payload[index] = Math.imul(index, 2_654_435_761) >>> 13;
            if (kind === 'turn') await nextTurn();
            else if (kind === 'drain') connection.drain();
            else if (kind === 'ping') socket.push(frame(0x89, Buffer.of(1)));
            else {
              const reply = { type: MessageType.ReplyBinary, id, payload } as const;
              expected.push(Buffer.from(encodeMessage(reply)));
              if (kind === 'reply') connection.sendMessage(reply, encodedLength(reply));
              else connection.send(encodeMessage(reply));
            }
          }
          connection.close(1000, 'done');
          expect(connection.send(Buffer.of(1))).toBe(false);
          socket.push(frame(0x88, Buffer.of(3, 232)));
          await once(socket, 'finish');
          socket.destroy();
          await closed;
          expect(connection.bufferedAmount).toBe(0);

          const received: Buffer[] = [];
          const receiver = receiverOf(false, 2 ** 20);
          receiver.on('message', (data: Buffer) => received.push(data));
          const concluded = once(receiver, 'conclude') as Promise<[number, Buffer]>;
          receiver.write(Buffer.concat(socket.written));
          receiver.end();
          const [code, reason] = await concluded;
          expect([code, reason.toString()]).toEqual([1000, 'done']);
          expect(received.map((data) => data.length)).toEqual(expected.map((data) => data.length));
          expect(received.every((data, index) => data.equals(expected[index]!))).toBe(true);
        },
      ),
      { numRuns: RUNS },
    );
  },
  TIMEOUT,
);
