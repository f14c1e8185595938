/** First byte of a WebSocket frame that holds a whole binary message (RFC 6455, section 5.2). */
const FINAL_BINARY = 0x82;

/**
 * Puts each message into a WebSocket frame, all in one buffer. Frames of a server are not masked:
 *
 *     0x82 · length(1)               up to 125 bytes
 *     0x82 · 126 · length(u16 BE)    up to 65 535 bytes
 *     0x82 · 127 · length(u64 BE)    beyond
 */
export function frame(messages: readonly Uint8Array[]): Buffer {
  let size = 0;
  for (const { length } of messages) size += headerLength(length) + length;
  const frames = Buffer.allocUnsafe(size);
  let offset = 0;
  for (const message of messages) {
    offset = writeHeader(frames, offset, message.length);
    frames.set(message, offset);
    offset += message.length;
  }
  return frames;
}

function headerLength(length: number): number {
  if (length < 126) return 2;
  return length < 65_536 ? 4 : 10;
}

function writeHeader(target: Buffer, offset: number, length: number): number {
  target[offset] = FINAL_BINARY;
  if (length < 126) {
    target[offset + 1] = length;
    return offset + 2;
  }
  if (length < 65_536) {
    target[offset + 1] = 126;
    return target.writeUInt16BE(length, offset + 2);
  }
  target[offset + 1] = 127;
  return target.writeBigUInt64BE(BigInt(length), offset + 2);
}
