/** The mask bit, in the length byte of each frame of a client. */
const MASKED = 0x80;

/** A mask of zeros leaves the payload readable. */
const MASK = Buffer.alloc(4);

export const FINAL_BINARY = 0x82;
export const FINAL_TEXT = 0x81;
export const FINAL_PING = 0x89;

/** A frame of a client with any first byte (RFC 6455, section 5.2). */
export function frame(payload: Uint8Array, firstByte = FINAL_BINARY): Buffer {
  const { length } = payload;
  const header =
    length < 126 ? Buffer.from([firstByte, MASKED | length]) : Buffer.from([firstByte, MASKED | 126, 0, 0]);
  if (length >= 126) header.writeUInt16BE(length, 2);
  return Buffer.concat([header, MASK, payload]);
}

/** The header of a frame that exceeds all limits. */
export function hugeFrameHeader(): Buffer {
  return Buffer.from([FINAL_BINARY, MASKED | 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}
