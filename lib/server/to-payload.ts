import type { Payload } from '../protocol/index.js';
import { encodeBody, jsonCodec, plainCodec, type PayloadCodec } from '../protocol/payload-codec.js';
import { isPromiseLike } from '../protocol/promise.js';

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
    // Nobody awaits the promises in a value that is not sent. Their rejections must not end the process.
    ignoreRejections(value, new Set());
    throw error;
  }
}

/** @param visited The objects that were searched already: a value that could not be sent may have cycles. */
function ignoreRejections(value: unknown, visited: Set<object>): void {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || visited.has(value)) return;
  visited.add(value);
  try {
    if (isPromiseLike(value)) Promise.resolve(value).catch(() => undefined);
    else for (const member of Object.values(value)) ignoreRejections(member, visited);
  } catch {
    // A getter that throws, or a value that is nested too deeply, must not hide the error that is thrown next.
  }
}
