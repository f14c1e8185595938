import type { PayloadCodec } from '../protocol/payload-codec.js';

/**
 * The codec of a client with a contract: JSON in both directions, and bytes as binary. It does the same as `jsonCodec`, but without
 * the check for values that JSON loses. The client gets it from its contract, so that the code is only in bundles of programs with
 * a contract.
 *
 * @param plain The default codec of the client. It sends a string as it is, and all values but strings and `null` as JSON or bytes.
 */
export function contractCodec(plain: PayloadCodec): PayloadCodec {
  return {
    decode(payload) {
      if (payload.bytes.length === 0) return undefined;
      return payload.encoding === 'binary' ? payload.bytes : payload.json();
    },
    encode: (value) => plain.encode(value === null || typeof value === 'string' ? JSON.stringify(value) : value),
  };
}
