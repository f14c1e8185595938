import * as fc from 'fast-check';
import {
  decodeMessage,
  encodeMessage,
  MessageType,
  Payload,
  ProtocolError,
  requestType,
  signalType,
} from 'nestjs-webwire/protocol';
import { expect, it } from 'vitest';
import {
  encodeCloseSession,
  encodeHeartbeat,
  encodeRequest,
  encodeRestoreSession,
  encodeClientSignal,
} from '../../lib/protocol/client-messages.js';
import { decodeServerMessage } from '../../lib/protocol/server-messages.js';

// The client has its own functions to read and write messages, which are smaller because they leave out the messages of
// servers. Their results must equal those of the codec.

const RUNS = { numRuns: process.env.CI ? 30_000 : 2_000 };
const TIMEOUT = 60_000;
const NO_ID = new Uint8Array(8);

/** The result of a function, or the code and offset of its error. */
function outcomeOf(run: () => object): object {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { code: error.code, offset: error.offset };
  }
}

const typeByte = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...Object.values(MessageType)) },
  fc.integer({ min: 0, max: 255 }),
);
/** Usually valid characters of names, and valid lengths. */
const byte = fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 32, max: 126 }) }, fc.integer({ min: 0, max: 255 }));
const message = fc
  .tuple(typeByte, fc.array(fc.oneof(byte, fc.integer({ min: 0, max: 4 })), { maxLength: 40 }))
  .map(([type, rest]) => Uint8Array.of(type, ...rest));
const name = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.integer({ min: 250, max: 260 }).map((length) => 'a'.repeat(length)),
);
const payload = fc
  .tuple(fc.constantFrom('binary' as const, 'utf8' as const, 'utf16' as const), fc.uint8Array({ maxLength: 6 }))
  .map(([encoding, bytes]) => new Payload(encoding, bytes));

/** The types of messages that servers send. */
const OF_SERVERS = new Set([0, 1, 2, 3, 4, 5, 21, 22, 23, 63, 64, 65, 191, 192, 193]);

it('messages of servers are read as decodeMessage() reads them', { timeout: TIMEOUT }, () => {
  fc.assert(
    fc.property(
      fc.oneof(message, fc.uint8Array({ maxLength: 2 })),
      fc.constantFrom(30, Infinity),
      (bytes, maxLength) => {
        const read = outcomeOf(() => decodeServerMessage(bytes, maxLength));
        const isOther = bytes.length > 0 && !OF_SERVERS.has(bytes[0]!) && bytes.length <= maxLength;
        expect(read).toEqual(
          isOther ? { code: 'UNEXPECTED_MESSAGE', offset: 0 } : outcomeOf(() => decodeMessage(bytes, maxLength)),
        );
      },
    ),
    RUNS,
  );
});

it('requests are written as encodeMessage() writes them', { timeout: TIMEOUT }, () => {
  fc.assert(
    fc.property(name, payload, (requestName, body) => {
      const { encoding, bytes } = body;
      expect(outcomeOf(() => encodeRequest(requestName, body))).toEqual(
        outcomeOf(() => encodeMessage({ type: requestType(encoding), id: NO_ID, name: requestName, payload: bytes })),
      );
    }),
    RUNS,
  );
});

it('signals are written as encodeMessage() writes them', { timeout: TIMEOUT }, () => {
  fc.assert(
    fc.property(name, payload, (signalName, body) => {
      const { encoding, bytes } = body;
      expect(outcomeOf(() => encodeClientSignal(signalName, body))).toEqual(
        outcomeOf(() => encodeMessage({ type: signalType(encoding), name: signalName, payload: bytes })),
      );
    }),
    RUNS,
  );
});

it('session keys are written as encodeMessage() writes them', { timeout: TIMEOUT }, () => {
  fc.assert(
    fc.property(name, (sessionKey) => {
      expect(outcomeOf(() => encodeRestoreSession(sessionKey))).toEqual(
        outcomeOf(() => encodeMessage({ type: MessageType.RequestRestoreSession, id: NO_ID, sessionKey })),
      );
    }),
    RUNS,
  );
});

it('so are messages that are always the same', () => {
  expect(encodeCloseSession()).toEqual(encodeMessage({ type: MessageType.RequestCloseSession, id: NO_ID }));
  expect(encodeHeartbeat()).toEqual(encodeMessage({ type: MessageType.Heartbeat }));
});
