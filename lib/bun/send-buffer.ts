import { writeMessage } from '../protocol/encode.js';
import type { EncodableMessage } from '../protocol/index.js';

/** Longest message that is encoded into the buffer, in bytes. */
export const SHORT_MESSAGE = 1_000;

const BUFFER = Buffer.allocUnsafeSlow(SHORT_MESSAGE);

/** Views of the start of the buffer, by length. Making one for each message would take longer than encoding. */
const VIEWS: Uint8Array[] = [];

/**
 * Encodes a message.
 * @param length Length of the encoded message in bytes, at most `SHORT_MESSAGE`.
 * @returns Bytes that the next call overwrites.
 */
export function encodeShort(message: EncodableMessage, length: number): Uint8Array {
  writeMessage(message, BUFFER, 0);
  return (VIEWS[length] ??= BUFFER.subarray(0, length));
}
