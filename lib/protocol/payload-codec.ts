import { assertMemory, isArrayBuffer, PayloadView, toJson, type Payload } from './payload.js';
import { encodeUtf8 } from './text.js';

/**
 * Turns received payloads into bodies, and values into payloads. Plug in your own with the option `codec`: of the module, a
 * gateway or a handler on the server, of the client on the other side.
 */
export interface PayloadCodec {
  /** Makes the body. What it throws in a server is answered with ReplyError `BAD_REQUEST`, as the client's mistake. */
  decode(payload: Payload): unknown;
  /** Makes the payload of a value other than `undefined`, `null` and `Payload`, which need no codec. */
  encode(value: unknown): Payload;
}

const EMPTY: Payload = new PayloadView('binary', new Uint8Array(0));

/**
 * Makes the payload of a body: `undefined` and `null` are empty, a `Payload` is itself.
 * @throws TypeError for a promise or an Observable, which has to be waited for first.
 */
export function encodeBody(value: unknown, codec: Pick<PayloadCodec, 'encode'>): Payload {
  if (value === undefined || value === null) return EMPTY;
  if (isAsynchronous(value)) throw new TypeError('a promise or an Observable cannot be sent; wait for its value');
  return value instanceof PayloadView ? value : codec.encode(value);
}

/** Text as UTF-8, bytes as they are, other values as JSON in UTF-8. */
export function encodePlain(value: unknown): Payload {
  if (typeof value === 'string') return new PayloadView('utf8', encodeUtf8(value));
  if (value instanceof Uint8Array) return new PayloadView('binary', value);
  if (isArrayBuffer(value)) return new PayloadView('binary', new Uint8Array(value));
  if (ArrayBuffer.isView(value)) {
    if (value.byteLength === 0) assertMemory(value as Uint8Array);
    return new PayloadView('binary', new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  return new PayloadView('utf8', encodeUtf8(toJson(value)));
}

function isAsynchronous(value: object): boolean {
  // Text and bytes are what is sent most.
  if (typeof value === 'string' || ArrayBuffer.isView(value)) return false;
  const { then, subscribe } = value as { then?: unknown; subscribe?: unknown };
  return typeof then === 'function' || typeof subscribe === 'function';
}
