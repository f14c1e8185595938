import { toJson } from './json.js';
import { decodeUtf16, decodeUtf8, encodeUtf16, encodeUtf8 } from './text.js';

/** Encoding of a payload: bytes, or text in UTF-8 or UTF-16 (docs/PROTOCOL.md, section 3). */
export type PayloadEncoding = 'binary' | 'utf8' | 'utf16';

/** In the order of the type bytes of requests, replies and signals. */
export const ENCODINGS: readonly PayloadEncoding[] = ['binary', 'utf8', 'utf16'];

/** The part of `Payload` without the static methods: a bundle that only reads payloads does not contain those. */
export class PayloadView {
  /** @param bytes Not copied. */
  constructor(encoding: PayloadEncoding, bytes: Uint8Array);
  constructor(
    readonly encoding: PayloadEncoding,
    /** The type says that the memory is an `ArrayBuffer`, as `new Blob([bytes])` and `socket.send(bytes)` require. */
    readonly bytes: Uint8Array<ArrayBuffer>,
  ) {}

  /**
   * Decodes the bytes as text; `binary` is decoded as UTF-8. Invalid sequences become U+FFFD, and a byte-order mark is
   * kept.
   */
  text(): string {
    return this.encoding === 'utf16' ? decodeUtf16(this.bytes) : decodeUtf8(this.bytes);
  }

  /**
   * Parses the text as JSON. It is not checked that the value has the type `T`.
   * @throws SyntaxError for invalid JSON. Its message can be logged, as it does not quote the text.
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
 * The content of a request, reply or signal: bytes and their encoding (docs/PROTOCOL.md, section 3).
 *
 * A payload is a view: it shares its memory with the bytes from which it was made.
 */
export class Payload extends PayloadView {
  /**
   * Makes a binary payload.
   * @param bytes Not copied.
   * @throws TypeError for anything but a Uint8Array.
   */
  static binary(bytes: Uint8Array): Payload {
    if (!isBytes(bytes)) throw new TypeError('A binary payload is made of a Uint8Array');
    return new Payload('binary', bytes);
  }

  /**
   * Encodes text as UTF-8. Lone surrogates become U+FFFD.
   * @throws TypeError for anything but a string.
   */
  static utf8(text: string): Payload {
    return new Payload('utf8', encodeUtf8(checkedText(text)));
  }

  /**
   * Encodes text as UTF-16, little-endian, without a byte-order mark. Lone surrogates become U+FFFD.
   * @throws TypeError for anything but a string.
   */
  static utf16(text: string): Payload {
    return new Payload('utf16', encodeUtf16(checkedText(text)));
  }

  /**
   * Encodes a value as JSON in UTF-8. Like `JSON.stringify()`, it leaves out members of an object that are functions, symbols
   * or `undefined`, and writes `null` for NaN.
   *
   * @throws TypeError for a value that JSON cannot express: `undefined`, a function, a symbol, a BigInt, a cycle, and values
   *   whose content `JSON.stringify()` would lose, such as a Map, a promise, an Error or a stream. The message names the type
   *   and the path to the value.
   */
  static json(value: unknown): Payload {
    return new Payload('utf8', encodeUtf8(toJson(value)));
  }
}

/** Also returns true for an ArrayBuffer of another realm, such as an iframe or a sandbox of a test runner. */
export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return value instanceof ArrayBuffer || Object.prototype.toString.call(value) === '[object ArrayBuffer]';
}

/** Also returns true for a Uint8Array of another realm, such as an iframe or a sandbox of a test runner. */
export function isBytes(value: unknown): value is Uint8Array {
  if (value instanceof Uint8Array) return true;
  return ArrayBuffer.isView(value) && Symbol.toStringTag in value && value[Symbol.toStringTag] === 'Uint8Array';
}

/**
 * Distinguishes an empty array from one that has lost its memory: the buffer was transferred, to a worker for example, or
 * shrunk. Both have length 0.
 * @throws TypeError if the memory is lost.
 */
export function assertMemory(bytes: Uint8Array): void {
  // `keys()` throws if the memory is lost. A DataView has no such method, but its `byteLength` throws.
  if ('keys' in bytes) bytes.keys();
}

function checkedText(text: unknown): string {
  if (typeof text !== 'string') throw new TypeError('A text payload is made of a string');
  return text;
}
