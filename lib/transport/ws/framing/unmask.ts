/** Shortest payload for which creating a view of 32-bit words costs less than it saves, in bytes. */
const MIN_WORDS_LENGTH = 192;

/** Converts four bytes to a 32-bit word in the byte order of the machine. */
const WORD = new Int32Array(1);
const WORD_BYTES = new Uint8Array(WORD.buffer);

/**
 * Unmasks a payload in place (RFC 6455, section 5.3): XORs each byte with one of the four mask bytes at `maskAt`, in turn.
 */
export function unmask(bytes: Uint8Array, maskAt: number, start: number, end: number): void {
  const a = bytes[maskAt]!;
  const b = bytes[maskAt + 1]!;
  const c = bytes[maskAt + 2]!;
  const d = bytes[maskAt + 3]!;
  let offset = start;
  if (end - start >= MIN_WORDS_LENGTH) {
    const { byteOffset, buffer } = bytes;
    // At most three bytes precede the first aligned word. The mask is rotated by as many.
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
