import { toJson } from './json.js';
import { assertMemory, ENCODINGS, isArrayBuffer, isBytes, PayloadView, type Payload } from './payload.js';
import { isPromiseLike } from './promise.js';
import { encodeUtf8 } from './text.js';

/**
 * Converts received payloads into bodies, and bodies into payloads. Set your own codec with the option `codec` of the module, a
 * gateway or a handler, and of the client. Both functions are synchronous.
 */
export interface PayloadCodec {
  /**
   * Makes the body of a payload. If it throws in a server, the client gets a ReplyError `BAD_REQUEST`, and the message of the
   * error is logged at debug level.
   */
  decode(payload: Payload): unknown;
  /** Makes the payload of a value, which may be `null`. It is not called for `undefined` and for a `Payload`. */
  encode(value: unknown): Payload;
}

export const EMPTY_PAYLOAD: Payload = new PayloadView('binary', new Uint8Array(0));

/**
 * The default codec. It sends strings as UTF-8, bytes as binary, `null` as an empty payload, and other values as JSON in UTF-8.
 * It decodes text as a string and binary as a `Uint8Array`.
 */
export const plainCodec: PayloadCodec = {
  decode: (payload) => (payload.encoding === 'binary' ? payload.bytes : payload.text()),
  encode(value) {
    if (value === null) return EMPTY_PAYLOAD;
    if (typeof value === 'string') return new PayloadView('utf8', encodeUtf8(value));
    return encodeBytes(value) ?? encodeUnchecked(value);
  },
};

/**
 * JSON in both directions. If both sides use it, every JSON value, including strings and `null`, is received as it was sent.
 * Bytes are sent as binary and received as a `Uint8Array`, and an empty payload is `undefined`. A server answers text that is
 * not JSON with ReplyError `BAD_REQUEST`.
 */
export const jsonCodec: PayloadCodec = {
  decode: decodeJson,
  encode: (value) => encodeBytes(value) ?? encodeJson(value),
};

/**
 * Makes the payload of a body: an empty one for `undefined`, a `Payload` itself, and that of the codec for other values.
 * @throws TypeError for a promise or an Observable, which the caller has to await, and if the codec returns no `Payload`.
 * @throws Errors of the codec.
 */
export function encodeBody(value: unknown, codec: Pick<PayloadCodec, 'encode'>): Payload {
  if (value === undefined) return EMPTY_PAYLOAD;
  // The fast path: most bodies are text or bytes.
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    // A payload of another copy of this package is no instance. Plain objects have no method `json()`.
    if (value instanceof PayloadView || ('json' in value && hasContent(value as object))) return value as Payload;
    if (isAsynchronous(value)) throw new TypeError('a promise or an Observable cannot be sent; wait for its value');
  }
  const payload = codec.encode(value);
  return payload instanceof PayloadView ? payload : checked(payload);
}

/** The return value of an untyped codec may be anything. An object with the members of a payload is accepted. */
function checked(payload: unknown): Payload {
  if (hasContent(payload ?? {})) return payload as Payload;
  const found = isPromiseLike(payload) ? 'a promise' : describeType(payload);
  // Prevents an unhandled rejection.
  if (isPromiseLike(payload)) Promise.resolve(payload).catch(() => undefined);
  throw new TypeError(
    `encode() of the codec returned ${found}: it has to return a Payload, such as Payload.binary(bytes)`,
  );
}

function hasContent({ encoding, bytes }: Partial<Payload>): boolean {
  return ENCODINGS.includes(encoding!) && isBytes(bytes);
}

export function describeType(value: unknown): string {
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : `a value of type ${typeof value}`;
  const { constructor } = value as { constructor?: { name?: unknown } };
  const name = constructor?.name;
  // The constructor of a generator has an empty name.
  return `a value of type ${typeof name === 'string' && name ? name : 'object'}`;
}

function encodeBytes(value: unknown): Payload | undefined {
  if (value instanceof Uint8Array) return new PayloadView('binary', value);
  if (isArrayBuffer(value)) return new PayloadView('binary', new Uint8Array(value));
  if (!ArrayBuffer.isView(value)) return undefined;
  if (value.byteLength === 0) assertMemory(value as Uint8Array);
  return new PayloadView('binary', new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
}

function decodeJson(payload: Payload): unknown {
  if (payload.bytes.length === 0) return undefined;
  return payload.encoding === 'binary' ? payload.bytes : payload.json();
}

function encodeJson(value: unknown): Payload {
  return new PayloadView('utf8', encodeUtf8(toJson(value)));
}

/** Without the search for values that JSON loses, which clients that only use the default codec do not have to load. */
function encodeUnchecked(value: unknown): Payload {
  // The return type should include undefined: JSON has nothing for a function, for instance.
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`JSON cannot express a value of type ${typeof value}`);
  return new PayloadView('utf8', encodeUtf8(text));
}

function isAsynchronous({ then, subscribe }: { then?: unknown; subscribe?: unknown }): boolean {
  return typeof then === 'function' || typeof subscribe === 'function';
}
