import { utf8Encoder } from './encode-utf8.js';

export { encodeUtf8 } from './encode-utf8.js';

// With `ignoreBOM`, a byte-order mark is kept as part of the text: the receiver gets exactly the text that was sent.
const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const utf16Decoder = createUtf16Decoder();

const REPLACEMENT_CHARACTER = '\ufffd';

/** Decodes UTF-8. Invalid sequences become U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decode(utf8Decoder, bytes);
}

/** Decodes UTF-16, little-endian. Lone surrogates and an odd last byte become U+FFFD. */
export function decodeUtf16(bytes: Uint8Array): string {
  return utf16Decoder ? decode(utf16Decoder, bytes) : readUtf16(bytes);
}

/** Encodes as UTF-16, little-endian, without a byte-order mark. Lone surrogates become U+FFFD. */
export function encodeUtf16(text: string): Uint8Array<ArrayBuffer> {
  const wellFormed = toWellFormed(text);
  const bytes = new Uint8Array(text.length * 2);
  for (let index = 0; index < text.length; index++) {
    const unit = wellFormed.charCodeAt(index);
    bytes[index * 2] = unit & 0xff;
    bytes[index * 2 + 1] = unit >>> 8;
  }
  return bytes;
}

/** The number of bytes that {@link writeUtf8} writes. */
export function utf8Length(text: string): number {
  let length = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    // A surrogate pair takes four bytes. A lone surrogate becomes U+FFFD, which takes three.
    else if (isSurrogate(unit) && !isLoneSurrogate(text, index)) length += 2;
    else length += 3;
  }
  return length;
}

/**
 * Writes UTF-8 at `offset`, where {@link utf8Length} bytes must be free.
 * @returns The number of bytes written.
 */
export function writeUtf8(text: string, target: Uint8Array, offset: number): number {
  return utf8Encoder.encodeInto(text, target.subarray(offset)).written;
}

function isSurrogate(unit: number): boolean {
  return (unit & 0xf800) === 0xd800;
}

function isHighSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xd800;
}

function isLowSurrogate(unit: number): boolean {
  return (unit & 0xfc00) === 0xdc00;
}

function isLoneSurrogate(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  if (!isSurrogate(unit)) return false;
  // charCodeAt() returns NaN beyond the text, which is not a surrogate.
  if (isHighSurrogate(unit)) return !isLowSurrogate(text.charCodeAt(index + 1));
  return !isHighSurrogate(text.charCodeAt(index - 1));
}

/** Decodes bytes. Browsers refuse bytes in shared or resizable memory, so these are copied first. */
function decode(decoder: typeof utf8Decoder, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return decoder.decode(new Uint8Array(bytes));
  }
}

/** Returns `undefined` if the engine decodes UTF-8 only, as Hermes (React Native) does. */
function createUtf16Decoder(): typeof utf8Decoder | undefined {
  try {
    return new TextDecoder('utf-16le', { ignoreBOM: true });
  } catch {
    return undefined;
  }
}

function readUtf16(bytes: Uint8Array): string {
  let text = '';
  for (let end = 2; end <= bytes.length; end += 2)
    text += String.fromCharCode(bytes[end - 2]! | (bytes[end - 1]! << 8));
  const wellFormed = toWellFormed(text);
  // An odd last byte becomes U+FFFD. A high surrogate before it has become that U+FFFD already.
  const isCutShort = bytes.length % 2 === 1 && !isHighSurrogate(text.charCodeAt(text.length - 1));
  return isCutShort ? wellFormed + REPLACEMENT_CHARACTER : wellFormed;
}

/** Replaces lone surrogates. With the flag `u`, a class of surrogates matches no pairs. */
function toWellFormed(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, REPLACEMENT_CHARACTER);
}
