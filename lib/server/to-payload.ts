import { ignoreRejections } from '../common/ignore-rejections.js';
import type { Payload } from '../protocol/index.js';
import { encodeBody, jsonCodec, plainCodec, type PayloadCodec } from '../protocol/payload-codec.js';

/** `plainCodec` with the check of `jsonCodec` for values that JSON would lose. */
const CHECKED_PLAIN: Pick<PayloadCodec, 'encode'> = {
  encode: (value) => (typeof value === 'object' && value !== null ? jsonCodec : plainCodec).encode(value),
};

/**
 * Makes the payload of a return value or of the body of a signal.
 * @throws TypeError for a promise, an Observable, and a value that JSON cannot express; any error that the codec throws.
 */
export function toPayload(value: unknown, codec: PayloadCodec): Payload {
  try {
    return encodeBody(value, codec.encode === plainCodec.encode ? CHECKED_PLAIN : codec);
  } catch (error) {
    ignoreRejections(value);
    throw error;
  }
}
