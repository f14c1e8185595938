// TextDecoder drops a byte-order mark unless told otherwise; a payload is the sender's, mark included.
const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const utf16Decoder = createUtf16Decoder();
const utf8Encoder = new TextEncoder();

const REPLACEMENT_CHARACTER = 0xfffd;

/** Decodes UTF-8; what is not valid becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decode(utf8Decoder, bytes);
}

/** Decodes UTF-16 little-endian; lone surrogates and a last odd byte become U+FFFD. */
export function decodeUtf16(bytes: Uint8Array): string {
  return utf16Decoder ? decode(utf16Decoder, bytes) : readUtf16(bytes);
}

/** Up to so many characters, measuring first is faster than what engines do for texts of any length. */
const SHORT_TEXT = 256;

/** Encodes as UTF-8; lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > SHORT_TEXT) return utf8Encoder.encode(text);
  const bytes = new Uint8Array(utf8Length(text));
  utf8Encoder.encodeInto(text, bytes);
  return bytes;
}

/** Encodes as UTF-16 little-endian without a byte-order mark; lone surrogates become U+FFFD. */
export function encodeUtf16(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length * 2);
  for (let index = 0; index < text.length; index++) {
    const unit = isLoneSurrogate(text, index) ? REPLACEMENT_CHARACTER : text.charCodeAt(index);
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
    // Half of a pair, which takes four bytes together; a lone surrogate takes the three of U+FFFD.
    else if (isSurrogate(unit) && !isLoneSurrogate(text, index)) length += 2;
    else length += 3;
  }
  return length;
}

/** Writes UTF-8 at `offset`, where {@link utf8Length} bytes must be free. Returns how many it wrote. */
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
  // charCodeAt is NaN past either end, which is no surrogate.
  if (isHighSurrogate(unit)) return !isLowSurrogate(text.charCodeAt(index + 1));
  return !isHighSurrogate(text.charCodeAt(index - 1));
}

/** Browsers refuse to decode memory that is shared or resizable; such bytes are copied. */
function decode(decoder: typeof utf8Decoder, bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    return decoder.decode(new Uint8Array(bytes));
  }
}

/** Some engines decode UTF-8 only: Hermes, the engine of React Native, does. */
function createUtf16Decoder(): typeof utf8Decoder | undefined {
  try {
    return new TextDecoder('utf-16le', { ignoreBOM: true });
  } catch {
    return undefined;
  }
}

/** `String.fromCharCode()` takes so many arguments on every engine. */
const UNITS_AT_ONCE = 4_096;

function readUtf16(bytes: Uint8Array): string {
  let text = '';
  for (let start = 0; start + 1 < bytes.length; start += 2 * UNITS_AT_ONCE) {
    const units: number[] = [];
    const end = Math.min(start + 2 * UNITS_AT_ONCE, bytes.length - 1);
    for (let index = start; index < end; index += 2) units.push(bytes[index]! | (bytes[index + 1]! << 8));
    text += String.fromCharCode(...units);
  }
  const replacement = String.fromCharCode(REPLACEMENT_CHARACTER);
  const wellFormed = Array.from(text, (character) => (isLoneSurrogate(character, 0) ? replacement : character)).join(
    '',
  );
  // A last odd byte becomes U+FFFD, together with half of a pair that may stand before it.
  const isCutShort = bytes.length % 2 === 1 && !isHighSurrogate(text.charCodeAt(text.length - 1));
  return isCutShort ? wellFormed + replacement : wellFormed;
}
