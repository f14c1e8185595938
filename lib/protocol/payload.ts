import { toJson } from './json.js';
import { decodeUtf16, decodeUtf8, encodeUtf16, encodeUtf8 } from './text.js';

/** How the bytes of a payload are meant: as they are, or as text (PROTOCOL.md, section 3). */
export type PayloadEncoding = 'binary' | 'utf8' | 'utf16';

/** A payload of given bytes: bundles that only read payloads need no code to make them. */
export class PayloadView {
  /** @param bytes They are not copied. */
  constructor(encoding: PayloadEncoding, bytes: Uint8Array);
  constructor(
    readonly encoding: PayloadEncoding,
    /** Typed as bytes of an `ArrayBuffer`, which `new Blob([bytes])` and `socket.send(bytes)` ask for. */
    readonly bytes: Uint8Array<ArrayBuffer>,
  ) {}

  /**
   * The bytes as text; binary is read as UTF-8. What is not valid in the encoding becomes U+FFFD, a byte-order mark
   * is kept.
   */
  text(): string {
    return this.encoding === 'utf16' ? decodeUtf16(this.bytes) : decodeUtf8(this.bytes);
  }

  /**
   * The text parsed as JSON; that it has the shape `T` is not checked.
   * @throws SyntaxError for invalid JSON, which does not quote the text as the engine's own error would: it may be logged.
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- spares every caller an assertion
  json<T = unknown>(): T {
    try {
      return JSON.parse(this.text());
    } catch {
      throw new SyntaxError('the payload is not valid JSON');
    }
  }
}

/**
 * The content of a request, reply or signal: bytes and what they are meant as (PROTOCOL.md, section 3).
 *
 * A payload is a view: it copies nothing, and shares its memory with the bytes it was made of.
 */
export class Payload extends PayloadView {
  /** Bytes as they are; they are not copied. Throws a TypeError for anything but a Uint8Array. */
  static binary(bytes: Uint8Array): Payload {
    if (!isBytes(bytes)) throw new TypeError('A binary payload is made of a Uint8Array');
    return new Payload('binary', bytes);
  }

  /** Text as UTF-8; lone surrogates become U+FFFD. Throws a TypeError for anything but a string. */
  static utf8(text: string): Payload {
    return new Payload('utf8', encodeUtf8(checkedText(text)));
  }

  /**
   * Text as UTF-16, little-endian, without a byte-order mark; lone surrogates become U+FFFD. Throws a TypeError for
   * anything but a string.
   */
  static utf16(text: string): Payload {
    return new Payload('utf16', encodeUtf16(checkedText(text)));
  }

  /**
   * A value as JSON in UTF-8. As `JSON.stringify` does, it leaves out members of an object that are functions, symbols or
   * undefined, and writes null for NaN.
   *
   * Throws a TypeError that names the type and its place for a value that JSON cannot express: undefined, a function, a
   * symbol, a BigInt, a cycle, and what `JSON.stringify` would lose, such as a Map, a promise, an Error or a stream.
   */
  static json(value: unknown): Payload {
    return new Payload('utf8', encodeUtf8(toJson(value)));
  }
}

/** Whether a value is an ArrayBuffer, also one made in another realm (an iframe, a test runner's sandbox). */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return value instanceof ArrayBuffer || Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}

/** Whether a value is a Uint8Array, also one made in another realm (an iframe, a test runner's sandbox). */
export function isBytes(value: unknown): value is Uint8Array {
  if (value instanceof Uint8Array) return true;
  return ArrayBuffer.isView(value) && Symbol.toStringTag in value && value[Symbol.toStringTag] === 'Uint8Array';
}

/**
 * Throws a TypeError for bytes that have no memory any more: it was transferred (to a worker, for instance), or the buffer
 * was shrunk. Nothing else tells them from bytes that are empty.
 */
export function assertMemory(bytes: Uint8Array): void {
  // A DataView has no such method; its `byteLength` throws by itself.
  if ('keys' in bytes) bytes.keys();
}

function checkedText(text: unknown): string {
  if (typeof text !== 'string') throw new TypeError('A text payload is made of a string');
  return text;
}
