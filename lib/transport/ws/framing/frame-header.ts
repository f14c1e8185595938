/** First bytes of a binary message in one frame and of control frames (RFC 6455, section 5.2). */
export const FINAL_BINARY = 0x82;
export const FINAL_CLOSE = 0x88;
export const FINAL_PING = 0x89;
export const FINAL_PONG = 0x8a;

/** The reserved bit RSV1: the message that begins with this frame is compressed (RFC 7692, section 6). */
export const COMPRESSED = 0x40;

/** Length of the header of a frame that a server sends, in bytes. */
export function headerLength(payloadLength: number): number {
  if (payloadLength < 126) return 2;
  return payloadLength < 65_536 ? 4 : 10;
}

/**
 * Writes the header of an unmasked frame, as a server sends it, at `offset`. Returns the offset of the payload.
 *
 *     first byte · length(1)               up to 125 bytes
 *     first byte · 126 · length(u16 BE)    up to 65 535 bytes
 *     first byte · 127 · length(u64 BE)    beyond
 */
export function writeHeader(target: Buffer, offset: number, firstByte: number, payloadLength: number): number {
  target[offset] = firstByte;
  if (payloadLength < 126) {
    target[offset + 1] = payloadLength;
    return offset + 2;
  }
  if (payloadLength < 65_536) {
    target[offset + 1] = 126;
    target[offset + 2] = payloadLength >>> 8;
    target[offset + 3] = payloadLength;
    return offset + 4;
  }
  target[offset + 1] = 127;
  target.writeUInt32BE(Math.floor(payloadLength / 2 ** 32), offset + 2);
  return target.writeUInt32BE(payloadLength >>> 0, offset + 6);
}
