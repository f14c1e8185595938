import * as fc from 'fast-check';
import {
  decodeMessage,
  encodedLength,
  encodeMessage,
  encodeMessageInto,
  MessageType,
  ProtocolError,
  type ProtocolMessage,
} from 'nestjs-webwire/protocol';
import { describe, expect, it } from 'vitest';

/** Number of inputs of all properties together. They are counted, so that no property tries fewer. */
const INPUTS = process.env.CI ? 100_000 : 5_000;

const PROPERTIES = 6;
const RUNS = Math.ceil(INPUTS / PROPERTIES);

let inputs = 0;

/** Runs a property on a fixed number of inputs; on failure fast-check prints the seed and the smallest input. */
function check<Input>(arbitrary: fc.Arbitrary<Input>, predicate: (input: Input) => void): void {
  fc.assert(
    fc.property(arbitrary, (input) => {
      predicate(input);
      inputs++;
    }),
    { numRuns: RUNS },
  );
}

const TIMEOUT = 300_000;

const id = fc.uint8Array({ minLength: 8, maxLength: 8 });
const ascii = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.integer({ min: 32, max: 126 }).map((code) => String.fromCharCode(code)), minLength, maxLength });
const name = fc.oneof(
  ascii(0, 24),
  fc.integer({ min: 0, max: 255 }).chain((length) => ascii(length, length)),
);
const anyPayload = fc.uint8Array({ maxLength: 64 });
const evenPayload = fc.uint8Array({ maxLength: 64 }).map((bytes) => bytes.subarray(bytes.length & 1));
const text = fc.string({ unit: 'binary', maxLength: 40 });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

const request = fc.oneof(
  fc.record({
    type: fc.constantFrom(MessageType.RequestBinary, MessageType.RequestUtf8),
    id,
    name,
    payload: anyPayload,
  }),
  fc.record({ type: fc.constant(MessageType.RequestUtf16), id, name, payload: evenPayload }),
);
const signal = fc.oneof(
  fc.record({
    type: fc.constantFrom(MessageType.SignalBinary, MessageType.SignalUtf8),
    name,
    payload: anyPayload,
  }),
  fc
    .record({ type: fc.constant(MessageType.SignalUtf16), name, payload: evenPayload })
    // A signal without a payload is written as another type, which the tests of the encoder check.
    .filter(({ payload }) => payload.length > 0),
);
const reply = fc.oneof(
  fc.record({
    type: fc.constantFrom(MessageType.ReplyBinary, MessageType.ReplyUtf8),
    id,
    payload: anyPayload,
  }),
  fc.record({ type: fc.constant(MessageType.ReplyUtf16), id, payload: evenPayload }),
);

const message: fc.Arbitrary<ProtocolMessage> = fc.oneof(
  request.filter((value) => value.name !== '' || value.payload.length > 0),
  signal.filter((value) => value.name !== '' || value.payload.length > 0),
  reply,
  fc.record({
    type: fc.constantFrom(
      MessageType.ReplyShutdown,
      MessageType.ReplyInternalError,
      MessageType.ReplySessionNotFound,
      MessageType.ReplyMaxSessionConnectionsReached,
      MessageType.ReplySessionsDisabled,
    ),
    id,
  }),
  fc.record({ type: fc.constant(MessageType.ReplyError), id, code: ascii(1, 255), message: text }),
  fc.record({
    type: fc.constant(MessageType.SessionCreated),
    session: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  }),
  fc.record({ type: fc.constantFrom(MessageType.SessionClosed) }),
  fc.record({ type: fc.constantFrom(MessageType.Heartbeat) }),
  fc.record({
    type: fc.constant(MessageType.AcceptConf),
    majorVersion: fc.integer({ min: 0, max: 255 }),
    minorVersion: fc.integer({ min: 0, max: 255 }),
    readTimeout: uint32,
    messageBufferSize: uint32.map((size) => Math.max(size, 32)),
    subProtocolName: text,
  }),
  fc.record({ type: fc.constant(MessageType.RequestCloseSession), id }),
  fc.record({ type: fc.constant(MessageType.RequestRestoreSession), id, sessionKey: ascii(1, 255) }),
);

/** Bytes whose first one is usually a type, so that the code for each type is reached. */
const bytesOfSomeType = fc
  .tuple(fc.constantFrom(...Object.values(MessageType)), fc.uint8Array({ maxLength: 40 }))
  .map(([type, rest]) => Uint8Array.of(type, ...rest));
const anyBytes = fc.oneof({ weight: 3, arbitrary: bytesOfSomeType }, fc.uint8Array({ maxLength: 40 }));

/**
 * Decodes a message, or returns the protocol error. Fails for any other error, for an impossible close code and for an
 * offset outside the message. It uses no matchers, as it runs millions of times.
 */
function decodeOrRefuse(bytes: Uint8Array): ProtocolMessage | ProtocolError {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    if (error.closeCode !== 1002) throw new Error(`close code ${error.closeCode}`, { cause: error });
    if (!(error.offset >= 0 && error.offset <= bytes.length)) {
      throw new Error(`offset ${error.offset} of ${bytes.length}`, { cause: error });
    }
    return error;
  }
}

describe('codec', () => {
  it('gives every message back', { timeout: TIMEOUT }, () => {
    check(message, (sent) => {
      const bytes = encodeMessage(sent);
      expect(bytes.length).toBe(encodedLength(sent));
      expect(decodeMessage(bytes)).toEqual(sent);
    });
  });

  it('writes the same bytes over old memory', { timeout: TIMEOUT }, () => {
    check(fc.tuple(message, fc.nat({ max: 9 })), ([sent, offset]) => {
      const target = new Uint8Array(offset + encodedLength(sent)).fill(0xee);
      const length = encodeMessageInto(sent, target, offset);
      expect(target.subarray(offset, offset + length)).toEqual(encodeMessage(sent));
      expect(target.subarray(0, offset).every((byte) => byte === 0xee)).toBe(true);
    });
  });

  it('decodes any bytes or raises a protocol error', { timeout: TIMEOUT }, () => {
    check(anyBytes, (bytes) => {
      const outcome = decodeOrRefuse(bytes);
      const idOnTheWire = bytes.slice(1, 9);
      expect('id' in outcome ? outcome.id : idOnTheWire).toEqual(idOnTheWire);
      expect('payload' in outcome ? outcome.payload.length : 0).toBeLessThanOrEqual(bytes.length);
    });
  });

  it('is stable: a decoded message is written and read as the same', { timeout: TIMEOUT }, () => {
    check(anyBytes, (bytes) => {
      const decoded = decodeOrRefuse(bytes);
      // The encoder is stricter about a buffer size than the decoder.
      fc.pre(!(decoded instanceof ProtocolError));
      fc.pre(decoded.type !== MessageType.AcceptConf || decoded.messageBufferSize >= 32);
      const written = encodeMessage(decoded);
      expect(encodeMessage(decodeMessage(written))).toEqual(written);
    });
  });

  it('survives every truncation', { timeout: TIMEOUT }, () => {
    check(message, (sent) => {
      const bytes = encodeMessage(sent);
      expect(() => {
        for (let length = 0; length < bytes.length; length++) decodeOrRefuse(bytes.subarray(0, length));
      }).not.toThrow();
    });
  });

  it('survives a change of every byte', { timeout: TIMEOUT }, () => {
    check(fc.tuple(message, fc.integer({ min: 1, max: 255 })), ([sent, change]) => {
      const bytes = encodeMessage(sent);
      expect(() => {
        for (let index = 0; index < bytes.length; index++) {
          bytes[index]! ^= change;
          decodeOrRefuse(bytes);
          bytes[index]! ^= change;
        }
      }).not.toThrow();
    });
  });

  it(`was tried on ${INPUTS} inputs`, () => {
    expect(inputs).toBeGreaterThanOrEqual(INPUTS);
  });
});
