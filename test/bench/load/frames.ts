/** First byte of a frame that holds a whole message (RFC 6455, section 5.2). */
const FINAL_TEXT = 0x81;
const FINAL_BINARY = 0x82;

/** Set in the length byte of every frame of a client, whose payload is masked. */
const MASKED = 0x80;

/** Any mask takes the same time. One without zeros also shows that the server unmasks. */
const MASK = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** The frame that a client sends: first byte · length · mask(4) · masked payload. */
export function clientFrame(payload: Uint8Array, isText: boolean): Buffer {
  const masked = payload.map((byte, index) => byte ^ MASK[index % MASK.length]!);
  const [length, ...longer] = lengthOf(payload);
  return Buffer.from([firstByte(isText), MASKED | length!, ...longer, ...MASK, ...masked]);
}

/** The frame that a server sends: first byte · length · payload. */
export function serverFrame(payload: Uint8Array, isText: boolean): Buffer {
  return Buffer.from([firstByte(isText), ...lengthOf(payload), ...payload]);
}

function firstByte(isText: boolean): number {
  return isText ? FINAL_TEXT : FINAL_BINARY;
}

/** Length field of a payload of at most 65 535 bytes: one byte, or 126 and two bytes. */
function lengthOf({ length }: Uint8Array): number[] {
  if (length > 65_535) throw new RangeError(`${length} bytes are too long for a message of this benchmark`);
  return length < 126 ? [length] : [126, length >>> 8, length & 0xff];
}
