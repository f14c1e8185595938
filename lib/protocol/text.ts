// TextDecoder drops a byte-order mark unless told otherwise; a payload is the sender's, mark included.
const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const utf16Decoder = new TextDecoder('utf-16le', { ignoreBOM: true });
const utf8Encoder = new TextEncoder();

// With the flag u, halves of a pair are no surrogates.
const LONE_SURROGATES = /\p{Surrogate}/gu;

/** Decodes UTF-8; what is not valid becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decode(utf8Decoder, bytes);
}

/** Decodes UTF-16 little-endian; lone surrogates and a last odd byte become U+FFFD. */
export function decodeUtf16(bytes: Uint8Array): string {
  return decode(utf16Decoder, bytes);
}

/** Encodes as UTF-8; lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return utf8Encoder.encode(text);
}

/** Encodes as UTF-16 little-endian without a byte-order mark; lone surrogates become U+FFFD. */
export function encodeUtf16(text: string): Uint8Array {
  const wellFormed = text.replaceAll(LONE_SURROGATES, '\uFFFD');
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
    // Half of a pair, which takes four bytes together; a lone surrogate takes the three of U+FFFD.
    else if (isSurrogate(unit) && !isLoneSurrogate(text, index)) length += 2;
    else length += 3;
  }
  return length;
}

/** Writes UTF-8 at `offset`, where {@link utf8Length} bytes must be free. */
export function writeUtf8(text: string, target: Uint8Array, offset: number): void {
  utf8Encoder.encodeInto(text, target.subarray(offset));
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
