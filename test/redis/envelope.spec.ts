import * as fc from 'fast-check';
import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import { describe, expect, it } from 'vitest';
import { decodeEnvelope, encodeEnvelope, type Envelope } from '../../lib/redis/envelope.js';

const ORIGIN = '000102030405060708090a0b0c0d0e0f';
const ID = '01234567-89ab-cdef-0123-456789abcdef';
const hex = (envelope: Envelope) => encodeEnvelope(envelope).toString('hex');
const SIGNAL = Buffer.from('3f016178', 'hex');

describe('an envelope', () => {
  it('is these bytes', () => {
    const head = (kind: string) => `01${kind}${ORIGIN}`;
    const all = { kind: 'all', gateway: undefined } as const;
    expect(hex({ origin: ORIGIN, target: all, except: [], message: SIGNAL })).toBe(
      `${head('00')}00000000000000003f016178`,
    );
    expect(hex({ origin: ORIGIN, target: { kind: 'all', gateway: 'G' }, except: [ID], message: SIGNAL })).toBe(
      `${head('01')}020000000100000047000123456789abcdef0123456789abcdef3f016178`,
    );
    expect(hex({ origin: ORIGIN, target: { kind: 'group', group: 'ü' }, except: [], message: SIGNAL })).toBe(
      `${head('02')}0200000000000000fc003f016178`,
    );
    expect(hex({ origin: ORIGIN, target: { kind: 'session', session: 's' }, except: [], message: SIGNAL })).toBe(
      `${head('03')}020000000000000073003f016178`,
    );
    expect(hex({ origin: ORIGIN, closedSession: 's' })).toBe(`${head('04')}02000000000000007300`);
  });

  it('comes out as it went in', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    const target = fc.oneof(
      fc.record({
        kind: fc.constant('all' as const),
        gateway: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
      }),
      fc.record({ kind: fc.constant('group' as const), group: fc.string({ unit: 'binary' }) }),
      fc.record({ kind: fc.constant('session' as const), session: fc.string() }),
    );
    const message = fc
      .record({ name: fc.stringMatching(/^[ -~]{1,255}$/), payload: fc.uint8Array() })
      .map((signal) => encodeMessage({ type: MessageType.SignalBinary, ...signal }));
    const origin = bytes(16).map((id) => Buffer.from(id).toString('hex'));
    const envelope = fc.oneof(
      fc.record({ origin, target, except: fc.array(fc.uuid(), { maxLength: 3 }), message }),
      fc.record({ origin, closedSession: fc.string() }),
    );
    fc.assert(
      fc.property(envelope, (given) => {
        const decoded = decodeEnvelope(encodeEnvelope(given));
        const plain = (one: Envelope) => ('message' in one ? { ...one, message: Buffer.from(one.message) } : one);
        expect(plain(decoded)).toEqual(plain(given));
      }),
      { numRuns: 500 },
    );
  });

  it('is rejected or read for any bytes', () => {
    const head = fc
      .tuple(fc.constantFrom(1, 1, 1, 2), fc.integer({ min: 0, max: 6 }))
      .map((start) => Uint8Array.from(start));
    const lengths = fc.tuple(fc.nat(20), fc.nat(3)).map(([name, count]) => {
      const buffer = Buffer.alloc(8);
      buffer.writeUInt32LE(name);
      buffer.writeUInt32LE(count, 4);
      return buffer;
    });
    const sized = fc
      .tuple(head, fc.uint8Array({ minLength: 16, maxLength: 16 }), lengths, fc.uint8Array())
      .map((parts) => Buffer.concat(parts));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          sized,
        ),
        (bytes) => {
          // A read outside of the buffer would throw a RangeError, so every length must be checked first.
          expect(outcomeOf(bytes)).toMatch(/^(?:read|refused: (?!RangeError|TypeError))/);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

function outcomeOf(bytes: Buffer): string {
  try {
    decodeEnvelope(bytes);
    return 'read';
  } catch (error) {
    return `refused: ${(error as Error).name}`;
  }
}
