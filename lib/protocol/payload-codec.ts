import { toJson } from './json.js';
import { assertMemory, isArrayBuffer, isBytes, PayloadView, type Payload } from './payload.js';
import { encodeUtf8 } from './text.js';

/**
 * Turns received payloads into bodies, and values into payloads. Plug in your own with the option `codec`: of the module, a
 * gateway or a handler on the server, of the client on the other side. Both functions are synchronous.
 */
export interface PayloadCodec {
  /**
   * Makes the body. If it throws in a server, the request is answered with ReplyError `BAD_REQUEST`, as the mistake is the
   * client's; the message of the error is logged at debug level.
   */
  decode(payload: Payload): unknown;
  /** Makes the payload of a value, `null` included. `undefined` and a `Payload` need no codec. */
  encode(value: unknown): Payload;
}

const EMPTY: Payload = new PayloadView('binary', new Uint8Array(0));

const ENCODINGS: ReadonlySet<unknown> = /* @__PURE__ */ new Set(['binary', 'utf8', 'utf16']);

/** The default. Text is a string, bytes are bytes, `null` is an empty payload; other values are sent as JSON in UTF-8. */
export const plainCodec: PayloadCodec = {
  decode: (payload) => (payload.encoding === 'binary' ? payload.bytes : payload.text()),
  encode(value) {
    if (value === null) return EMPTY;
    if (typeof value === 'string') return new PayloadView('utf8', encodeUtf8(value));
    return encodeBytes(value) ?? encodeJson(value);
  },
};

/**
 * JSON in both directions: with it on both sides, every JSON value arrives as it was sent, strings and `null` included. Bytes
 * are sent and received as they are, and an empty payload is `undefined`. In a server, text that is not JSON is answered with
 * ReplyError `BAD_REQUEST`.
 */
export const jsonCodec: PayloadCodec = {
  decode(payload) {
    if (payload.bytes.length === 0) return undefined;
    return payload.encoding === 'binary' ? payload.bytes : payload.json();
  },
  encode: (value) => encodeBytes(value) ?? encodeJson(value),
};

/**
 * Makes the payload of a body: `undefined` is empty, a `Payload` is itself, the codec encodes everything else.
 * @throws TypeError for a promise or an Observable, which has to be waited for first, and if the codec returns no
 *   `Payload`; and whatever the codec throws.
 */
export function encodeBody(value: unknown, codec: Pick<PayloadCodec, 'encode'>): Payload {
  if (value === undefined) return EMPTY;
  if (value instanceof PayloadView) return value;
  if (isAsynchronous(value)) throw new TypeError('a promise or an Observable cannot be sent; wait for its value');
  const payload = codec.encode(value);
  return payload instanceof PayloadView ? payload : checked(payload);
}

/** A codec without types may return anything; an object of the right shape will do. */
function checked(payload: unknown): Payload {
  const { encoding, bytes } = (payload ?? {}) as Partial<Payload>;
  if (ENCODINGS.has(encoding) && isBytes(bytes)) return payload as Payload;
  const found = isPromise(payload) ? 'a promise' : describe(payload);
  // Nobody waits for it.
  if (isPromise(payload)) Promise.resolve(payload).catch(() => undefined);
  throw new TypeError(
    `encode() of the codec returned ${found}: it has to return a Payload, such as Payload.binary(bytes)`,
  );
}

function isPromise(value: unknown): boolean {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

function describe(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : `a value of type ${typeof value}`;
  const { constructor } = value as { constructor?: { name?: unknown } };
  return `a value of type ${typeof constructor?.name === 'string' ? constructor.name : 'object'}`;
}

function encodeBytes(value: unknown): Payload | undefined {
  if (value instanceof Uint8Array) return new PayloadView('binary', value);
  if (isArrayBuffer(value)) return new PayloadView('binary', new Uint8Array(value));
  if (!ArrayBuffer.isView(value)) return undefined;
  if (value.byteLength === 0) assertMemory(value as Uint8Array);
  return new PayloadView('binary', new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
}

function encodeJson(value: unknown): Payload {
  return new PayloadView('utf8', encodeUtf8(toJson(value)));
}

function isAsynchronous(value: unknown): boolean {
  // Text and bytes are sent most.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
  const { then, subscribe } = value as { then?: unknown; subscribe?: unknown };
  return typeof then === 'function' || typeof subscribe === 'function';
}
