/** From this length on, in bytes, it pays to make a view of whole words. */
const WORDS_PAY = 192;

/** Four bytes and the word they make, in the byte order of the machine. */
const WORD = new Int32Array(1);
const WORD_BYTES = new Uint8Array(WORD.buffer);

/**
 * Takes the mask off a payload in place (RFC 6455, section 5.3): each byte is combined with one of the four that stand at
 * `maskAt`, in turn.
 */
export function unmask(bytes: Uint8Array, maskAt: number, start: number, end: number): void {
  const a = bytes[maskAt]!;
  const b = bytes[maskAt + 1]!;
  const c = bytes[maskAt + 2]!;
  const d = bytes[maskAt + 3]!;
  let offset = start;
  if (end - start >= WORDS_PAY) {
    const { byteOffset, buffer } = bytes;
    // Memory is aligned after at most three bytes; the mask is turned by as many.
    for (; (byteOffset + offset) & 3; offset++) bytes[offset]! ^= bytes[maskAt + offset - start]!;
    for (let index = 0; index < 4; index++) WORD_BYTES[index] = bytes[maskAt + ((offset - start + index) & 3)]!;
    const word = WORD[0]!;
    const words = new Int32Array(buffer, byteOffset + offset, (end - offset) >>> 2);
    for (let index = 0; index < words.length; index++) words[index]! ^= word;
    offset += words.length << 2;
    for (; offset < end; offset++) bytes[offset]! ^= bytes[maskAt + ((offset - start) & 3)]!;
    return;
  }
  for (const last = end - 3; offset < last; offset += 4) {
    bytes[offset]! ^= a;
    bytes[offset + 1]! ^= b;
    bytes[offset + 2]! ^= c;
    bytes[offset + 3]! ^= d;
  }
  if (offset < end) bytes[offset++]! ^= a;
  if (offset < end) bytes[offset++]! ^= b;
  if (offset < end) bytes[offset]! ^= c;
}
