import { Buffer } from 'node:buffer';
import type { Payload } from '../protocol/index.js';
import { encodeBody, encodePlain, type PayloadCodec } from '../protocol/payload-codec.js';

export type { PayloadCodec };

/** The default: text stays a string, binary is a `Buffer`; other values are sent as JSON in UTF-8. */
export const plainCodec: PayloadCodec = {
  decode: (payload) => (payload.encoding === 'binary' ? asBuffer(payload.bytes) : payload.text()),
  encode: encodePlain,
};

/**
 * Parses text bodies as JSON (an empty one is `undefined`), so that DTOs and validation pipes work; all else as
 * by default: a string is sent as it is, for a JSON string return `Payload.json('…')`. Text that is not JSON is answered with
 * ReplyError `BAD_REQUEST`.
 */
export const jsonCodec: PayloadCodec = {
  decode(payload) {
    if (payload.encoding === 'binary' && payload.bytes.length > 0) return asBuffer(payload.bytes);
    return payload.bytes.length === 0 ? undefined : payload.json();
  },
  encode: encodePlain,
};

/**
 * Makes the payload of a reply or signal: `undefined` and `null` are empty, a `Payload` is itself.
 * @throws TypeError for a promise or an Observable, which has to be waited for first.
 */
export function toPayload(value: unknown, codec: PayloadCodec = plainCodec): Payload {
  return encodeBody(value, codec);
}

/** A view. `Buffer.from()` would do, after a long look at what it was given. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.prototype.subarray.call(bytes, 0, bytes.length);
}
