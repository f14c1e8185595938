import { ProtocolError } from './protocol-error.js';
import { decodeUtf8 } from './text.js';

const FIRST_PRINTABLE = 32;
const LAST_PRINTABLE = 126;

/**
 * Hash table of recently decoded names. A server receives the same few names again and again. Returning the same string saves
 * decoding it, and makes map lookups faster, because a string caches its hash. Peers choose the names, so the table has a fixed
 * size, and the text of an entry is compared before it is used.
 */
const recentNames: string[] = /* @__PURE__ */ Array.from({ length: 256 }, () => '');

/** Longest name in the table, in bytes: comparing a longer one takes as long as decoding it. */
const MAX_CACHED_LENGTH = 64;

/**
 * Decodes the ASCII text from `start` to `end` (docs/PROTOCOL.md, section 2). The caller has checked that both lie within the
 * message.
 * @throws ProtocolError for the first byte outside 32–126.
 */
export function readAscii(bytes: Uint8Array, start: number, end: number): string {
  hashAscii(bytes, start, end, 0);
  return decodeUtf8(bytes.subarray(start, end));
}

/**
 * Like {@link readAscii}, but with a cache, for text that is often repeated and not secret: names and error codes.
 * @param origin Offset where the message begins: offsets of errors are relative to it.
 */
export function readName(bytes: Uint8Array, start: number, end: number, origin: number): string {
  const length = end - start;
  const hash = hashAscii(bytes, start, end, origin);
  if (length > MAX_CACHED_LENGTH) return decodeUtf8(bytes.subarray(start, end));

  const index = (hash ^ (hash >>> 8)) & 255;
  const recent = recentNames[index]!;
  if (isTextAt(bytes, start, length, recent)) return recent;
  const name = decodeUtf8(bytes.subarray(start, end));
  recentNames[index] = name;
  return name;
}

/**
 * Checks text that will be written at `offset` of a message. Its length in bytes is then its length in characters.
 * @throws ProtocolError for the first character outside 32–126.
 */
export function checkAscii(text: string, offset: number): void {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < FIRST_PRINTABLE || unit > LAST_PRINTABLE) throw invalidCharacter(offset + index);
  }
}

/** Writes text at `offset`. {@link checkAscii} has checked it. */
export function writeAscii(text: string, target: Uint8Array, offset: number): void {
  for (let index = 0; index < text.length; index++) target[offset + index] = text.charCodeAt(index);
}

/** Checks all bytes and computes a hash, in one pass. */
function hashAscii(bytes: Uint8Array, start: number, end: number, origin: number): number {
  let hash = end - start;
  for (let offset = start; offset < end; offset++) {
    const byte = bytes[offset]!;
    if (byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE) throw invalidCharacter(offset - origin);
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  return hash;
}

function isTextAt(bytes: Uint8Array, start: number, length: number, text: string): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}

export function invalidCharacter(offset: number): ProtocolError {
  return new ProtocolError('INVALID_CHARACTER', `character outside 32-126 at byte ${offset}`, offset);
}
