import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

/** A frame of a server. */
export interface ServerFrame {
  /** Its first byte: 82 for a message, c2 for a compressed one, 88 for a close frame, 8a for a pong. */
  readonly first: number;
  readonly payload: Buffer;
}

/** A frame of a client. Its mask consists of zeros, which leave the payload readable. */
export function clientFrame(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 6 : length < 65_536 ? 8 : 14);
  header[0] = first;
  header[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (header.length === 8) header.writeUInt16BE(length, 2);
  if (header.length === 14) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}

/** A frame of a server, which is not masked. */
export function serverFrame(first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const header = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  header[0] = first;
  header[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (header.length === 4) header.writeUInt16BE(length, 2);
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}

/** Reads the frames of a server that arrived as a whole. */
export function readFrames(bytes: Buffer): ServerFrame[] {
  const frames: ServerFrame[] = [];
  let offset = 0;
  while (offset + 2 <= bytes.length) {
    let length = bytes[offset + 1]!;
    let start = offset + 2;
    if (length === 126) {
      length = bytes.readUInt16BE(start);
      start += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(start));
      start += 8;
    }
    if (start + length > bytes.length) break;
    frames.push({ first: bytes[offset]!, payload: bytes.subarray(start, start + length) });
    offset = start + length;
  }
  return frames;
}

/** Compresses a message as RFC 7692 asks for. */
export function deflate(message: Uint8Array | string): Buffer {
  return deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/** Inflates a message that was compressed as RFC 7692 asks for. */
export function inflate(payload: Uint8Array): Buffer {
  return inflateRawSync(Buffer.concat([payload, Buffer.from('0000ffff', 'hex')]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  });
}
