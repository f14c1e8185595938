// Bundles for browsers contain `encode-utf8.browser.ts` in its place: see the field `browser` of package.json.

export const utf8Encoder = new TextEncoder();

/** The globals of Node.js that are used. */
interface NodeGlobals {
  readonly Buffer?: { from(text: string): Uint8Array<ArrayBuffer> };
  readonly process?: { readonly versions?: { readonly node?: string; readonly bun?: string; readonly deno?: string } };
}

/** Absent in other runtimes: there, `TextEncoder` is faster, or `Buffer` is a polyfill. */
const NodeBuffer = findNodeBuffer();

/** Encodes as UTF-8. Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  if (!NodeBuffer) return utf8Encoder.encode(text);
  // Node.js takes the memory from a pool. An array with memory of its own takes several times as long to make.
  const { buffer, byteOffset, length } = NodeBuffer.from(text);
  return new Uint8Array(buffer, byteOffset, length);
}

function findNodeBuffer(): NodeGlobals['Buffer'] {
  const { Buffer, process } = globalThis as NodeGlobals;
  const { node, bun, deno } = process?.versions ?? {};
  return node !== undefined && bun === undefined && deno === undefined ? Buffer : undefined;
}
