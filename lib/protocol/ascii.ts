import { ProtocolError } from './protocol-error.js';
import { decodeUtf8 } from './text.js';

const FIRST_PRINTABLE = 32;
const LAST_PRINTABLE = 126;

/**
 * Names read lately, each at the connection session that its hash gives. A server reads the same few names over and over; handing
 * out the same string each time spares making it and, as strings remember their hash, looking it up. Peers choose the
 * names, so the table never grows, and a connection session is only trusted after its text was compared.
 */
const recentNames: string[] = /* @__PURE__ */ Array.from({ length: 256 }, () => '');

/** Longer names are rare, and comparing them costs as much as making them. */
const LONGEST_REMEMBERED = 64;

/**
 * The characters from `start` up to `end` (PROTOCOL.md, section 2). The caller has checked that both lie within the
 * message. Throws a ProtocolError at the first byte outside 32–126.
 */
export function readAscii(bytes: Uint8Array, start: number, end: number): string {
  hashAscii(bytes, start, end, 0);
  return decodeUtf8(bytes.subarray(start, end));
}

/**
 * Like {@link readAscii}, for text that comes back often and is no secret: names and error codes. The message it belongs to
 * begins at `origin`.
 */
export function readName(bytes: Uint8Array, start: number, end: number, origin: number): string {
  const length = end - start;
  const hash = hashAscii(bytes, start, end, origin);
  if (length > LONGEST_REMEMBERED) return decodeUtf8(bytes.subarray(start, end));

  const connectionSession = (hash ^ (hash >>> 8)) & 255;
  const recent = recentNames[connectionSession]!;
  if (holdsAt(bytes, start, length, recent)) return recent;
  const name = decodeUtf8(bytes.subarray(start, end));
  recentNames[connectionSession] = name;
  return name;
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

/** Looks at every byte once, for whether it is allowed and for the hash. */
function hashAscii(bytes: Uint8Array, start: number, end: number, origin: number): number {
  let hash = end - start;
  for (let offset = start; offset < end; offset++) {
    const byte = bytes[offset]!;
    if (byte < FIRST_PRINTABLE || byte > LAST_PRINTABLE) throw invalidCharacter(offset - origin);
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  return hash;
}

function holdsAt(bytes: Uint8Array, start: number, length: number, text: string): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}

function invalidCharacter(offset: number): ProtocolError {
  return new ProtocolError('INVALID_CHARACTER', `character outside 32-126 at byte ${offset}`, offset);
}
