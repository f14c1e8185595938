import * as fc from 'fast-check';
import type { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import * as ws from 'ws';
import { FrameReader } from '../../lib/transport/ws/framing/frame-reader.js';

/** Number of inputs for each property. */
const RUNS = process.env.CI ? 20_000 : 2_000;

const TIMEOUT = 120_000;

/** Messages may exceed it, and it is larger than the longest frame with the shortest header. */
const MAX_LENGTH = 300;

/** The types of `ws` leave it out, but it is exported. */
const { Receiver } = ws as unknown as { Receiver: new (options: object) => Writable };

/** The results of a reader, in order, as text. Error texts differ between readers, so only their kinds are compared. */
type Findings = string[];

/** Reads with `ws`. */
function readWithWs(chunks: readonly Buffer[]): Findings {
  const findings: Findings = [];
  const receiver = new Receiver({
    isServer: true,
    maxPayload: MAX_LENGTH,
    skipUTF8Validation: true,
    maxFragments: 16_384,
  });
  receiver.on('message', (data: Buffer, isBinary: boolean) => findings.push(message(data, isBinary)));
  receiver.on('ping', (data: Buffer) => findings.push(`ping ${data.toString('hex')}`));
  receiver.on('conclude', (code: number, reason: Buffer) => findings.push(`close ${code} ${reason.toString('hex')}`));
  receiver.on('error', () => undefined);
  for (const chunk of chunks) {
    if (receiver.writableEnded) break;
    receiver.write(Buffer.from(chunk));
    const error = receiver.errored as (Error & { code: string }) | null;
    if (!error) continue;
    findings.push(TOO_LARGE.has(error.code) ? 'too large' : 'invalid');
    break;
  }
  return findings;
}

const TOO_LARGE = new Set(['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH']);

/** Reads with the `FrameReader` of the server, at most `most` frames at a time. */
function readWithFrameReader(chunks: readonly Buffer[], most: number): Findings {
  const findings: Findings = [];
  const reader = new FrameReader(
    {
      onMessage: (data, start, end, isBinary) => findings.push(message(data.subarray(start, end), isBinary)),
      onPing: (data) => findings.push(`ping ${data.toString('hex')}`),
      onClose: (payload) => {
        const code = payload.length > 0 ? payload.readUInt16BE() : 1005;
        findings.push(`close ${code} ${payload.subarray(2).toString('hex')}`);
      },
      onCompressedMessage: () => findings.push('compressed'),
      onFrameError: (code) => findings.push(code === 'MESSAGE_TOO_LARGE' ? 'too large' : 'invalid'),
      onMemoryLost: () => findings.push('lost'),
    },
    { message: MAX_LENGTH },
  );
  for (const chunk of chunks) {
    const bytes = Buffer.from(chunk);
    let offset = 0;
    while (offset < bytes.length) {
      const next = reader.read(bytes, offset, most);
      expect(next).toBeGreaterThan(offset);
      offset = next;
    }
  }
  return findings;
}

function message(data: Buffer, isBinary: boolean): string {
  return `${isBinary ? 'binary' : 'text'} ${data.toString('hex')}`;
}

/** A frame of a client. It may be invalid in any way, but is usually valid. */
const frame = fc
  .record({
    isFinal: fc.constantFrom(true, true, false),
    reserved: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0x20, 0x40),
    operation: fc.constantFrom(2, 2, 2, 2, 0, 0, 0, 0, 1, 8, 9, 9, 10, 3, 7, 11, 15),
    isMasked: fc.constantFrom(true, true, true, true, true, true, true, true, true, true, true, false),
    mask: fc.oneof(fc.constant(Uint8Array.of(0, 0, 0, 0)), fc.uint8Array({ minLength: 4, maxLength: 4 })),
    payload: fc.oneof(
      { weight: 6, arbitrary: fc.uint8Array({ maxLength: 60 }) },
      { weight: 3, arbitrary: fc.uint8Array({ minLength: 120, maxLength: 310 }) },
      {
        weight: 2,
        arbitrary: fc.constantFrom(Uint8Array.of(), Uint8Array.of(3), Uint8Array.of(3, 232), Uint8Array.of(3, 237)),
      },
    ),
    /** Size of the additional length field, which may be longer than necessary. */
    lengthSize: fc.constantFrom(0, 0, 0, 0, 0, 2, 8),
    /** Added to the announced length. */
    lie: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2 ** 31, 2 ** 52, 2 ** 60),
  })
  .map(({ isFinal, reserved, operation, isMasked, mask, payload, lengthSize, lie }) => {
    const length = payload.length + lie;
    const size = Math.max(lengthSize, length < 126 ? 0 : length < 65_536 ? 2 : 8);
    const header = Buffer.alloc(2 + size);
    header[0] = (isFinal ? 0x80 : 0) | reserved | operation;
    header[1] = (isMasked ? 0x80 : 0) | (size === 0 ? length : size === 2 ? 126 : 127);
    if (size === 2) header.writeUInt16BE(length, 2);
    if (size === 8) header.writeBigUInt64BE(BigInt(length), 2);
    if (!isMasked) return Buffer.concat([header, payload]);
    return Buffer.concat([header, mask, payload.map((byte, index) => byte ^ mask[index & 3]!)]);
  });

/** Bytes as they arrive, cut anywhere. */
function inChunks(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer[]> {
  return fc
    .tuple(bytes, fc.oneof(fc.constant([]), fc.array(fc.nat(400), { maxLength: 12 }), fc.constant('bytes' as const)))
    .map(([all, cuts]) => {
      if (cuts === 'bytes') return [...all].map((byte) => Buffer.of(byte));
      const places = [...new Set([0, ...cuts.map((cut) => Math.min(cut, all.length)), all.length])].toSorted(
        (a, b) => a - b,
      );
      return places.slice(1).map((end, index) => all.subarray(places[index], end));
    });
}

const most = fc.constantFrom(1, 2, 3, Infinity);

it(
  'frames are read as ws reads them, in any pieces',
  () => {
    const frames = fc.array(frame, { maxLength: 8 }).map((all) => Buffer.concat(all));
    const seen = new Set<string>();
    fc.assert(
      fc.property(inChunks(frames), most, (chunks, atOnce) => {
        const expected = readWithWs(chunks);
        expect(readWithFrameReader(chunks, atOnce)).toEqual(expected);
        for (const finding of expected) seen.add(finding.split(' ', 1)[0]!);
      }),
      { numRuns: RUNS },
    );
    // Checks that the inputs cover all kinds of results.
    expect([...seen].toSorted()).toEqual(['binary', 'close', 'invalid', 'ping', 'text', 'too']);
  },
  TIMEOUT,
);

it(
  'any bytes are read as ws reads them',
  () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all));
    fc.assert(
      fc.property(inChunks(bytes), most, (chunks, atOnce) => {
        expect(readWithFrameReader(chunks, atOnce)).toEqual(readWithWs(chunks));
      }),
      { numRuns: RUNS },
    );
  },
  TIMEOUT,
);
