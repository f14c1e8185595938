// Bundlers put this module in the place of `encode-utf8.js` into bundles for browsers, which have to be small: see the field
// `browser` of package.json.

export const utf8Encoder = new TextEncoder();

/** Encodes as UTF-8. Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return utf8Encoder.encode(text);
}
