// Bundles for browsers contain `encode-utf8.browser.ts` in its place: see the field `browser` of package.json.

export const utf8Encoder = new TextEncoder();

/** Up to this number of characters, a loop over ASCII is faster than `encode()`. */
const SHORT_TEXT = 256;

/** Encodes as UTF-8. Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  if (text.length > SHORT_TEXT) return utf8Encoder.encode(text);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0x80) return utf8Encoder.encode(text);
    bytes[index] = unit;
  }
  return bytes;
}
