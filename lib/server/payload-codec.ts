import { Payload } from '../protocol/index.js';

/**
 * Turns payloads into the bodies that handlers get, and what handlers return into payloads. Plug in your own
 * with the option `codec`, of the module, a gateway or a handler.
 */
export interface PayloadCodec {
  /** Makes the body. What it throws is answered with ReplyError `BAD_REQUEST`, as the client's mistake. */
  decode(payload: Payload): unknown;
  /** Makes the payload of a value other than `undefined`, `null` and `Payload`, which need no codec. */
  encode(value: unknown): Payload;
}

/** The default: text stays a string, binary is a `Buffer`; other values are sent as JSON in UTF-8. */
export const plainCodec: PayloadCodec = {
  decode: (payload) => (payload.encoding === 'binary' ? asBuffer(payload.bytes) : payload.text()),
  encode: encodePlain,
};

/**
 * Parses text bodies as JSON (an empty one is `undefined`), so that DTOs and validation pipes work; all else as
 * by default. Text that is not JSON is answered with ReplyError `BAD_REQUEST`.
 */
export const jsonCodec: PayloadCodec = {
  decode(payload) {
    if (payload.encoding === 'binary' && payload.bytes.length > 0) return asBuffer(payload.bytes);
    return payload.bytes.length === 0 ? undefined : payload.json();
  },
  encode: encodePlain,
};

const EMPTY = Payload.binary(new Uint8Array(0));

/**
 * Makes the payload of a reply or signal: `undefined` and `null` are empty, a `Payload` is itself.
 * @throws TypeError for a promise or an Observable, which has to be waited for first.
 */
export function toPayload(value: unknown, codec: PayloadCodec = plainCodec): Payload {
  if (value === undefined || value === null) return EMPTY;
  if (isAsynchronous(value)) throw new TypeError('a promise or an Observable cannot be sent; wait for its value');
  return value instanceof Payload ? value : codec.encode(value);
}

function encodePlain(value: unknown): Payload {
  if (typeof value === 'string') return Payload.utf8(value);
  if (value instanceof Uint8Array) return Payload.binary(value);
  if (value instanceof ArrayBuffer) return Payload.binary(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) {
    return Payload.binary(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  return Payload.json(value);
}

function isAsynchronous(value: object): boolean {
  // Text and bytes are what is sent most.
  if (typeof value === 'string' || ArrayBuffer.isView(value)) return false;
  const { then, subscribe } = value as { then?: unknown; subscribe?: unknown };
  return typeof then === 'function' || typeof subscribe === 'function';
}

/** A view. `Buffer.from()` would do, after a long look at what it was given. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.prototype.subarray.call(bytes, 0, bytes.length);
}
