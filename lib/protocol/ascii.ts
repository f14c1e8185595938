import { ProtocolError } from './protocol-error.js';
import { decodeUtf8 } from './text.js';

const FIRST_PRINTABLE = 32;
const LAST_PRINTABLE = 126;

/** Up to this length appending character by character is faster than a call into TextDecoder. */
const APPENDING_PAYS = 32;

/**
 * The characters from `start` up to `end` (PROTOCOL.md, section 2). The caller has checked that both lie within the
 * message. Throws a ProtocolError at the first byte outside 32–126.
 */
export function readAscii(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > APPENDING_PAYS) return readLongAscii(bytes, start, end);
  let text = '';
  for (let offset = start; offset < end; offset++) {
    const byte = bytes[offset]!;
    if (byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE) throw invalidCharacter(offset);
    text += String.fromCharCode(byte);
  }
  return text;
}

/**
 * Checks text that is to stand at `offset` of a message; its length in bytes is then its length in characters.
 * Throws a ProtocolError at the first character outside 32–126.
 */
export function checkAscii(text: string, offset: number): void {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < FIRST_PRINTABLE || unit > LAST_PRINTABLE) throw invalidCharacter(offset + index);
  }
}

/** Writes text that passed {@link checkAscii} at `offset`. */
export function writeAscii(text: string, target: Uint8Array, offset: number): void {
  for (let index = 0; index < text.length; index++) target[offset + index] = text.charCodeAt(index);
}

function readLongAscii(bytes: Uint8Array, start: number, end: number): string {
  for (let offset = start; offset < end; offset++) {
    const byte = bytes[offset]!;
    if (byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE) throw invalidCharacter(offset);
  }
  return decodeUtf8(bytes.subarray(start, end));
}

function invalidCharacter(offset: number): ProtocolError {
  return new ProtocolError('INVALID_CHARACTER', `character outside 32-126 at byte ${offset}`, offset);
}
