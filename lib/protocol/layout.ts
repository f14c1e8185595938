import { IDENTIFIER_LENGTH } from './limits.js';
import type { RequestType, SignalType } from './message-type.js';
import { ProtocolError } from './protocol-error.js';
import * as MessageType from './type-bytes.js';

// Offsets within messages (docs/PROTOCOL.md, section 2), in bytes from the start of the message:
//
//   reply:   type · id(8) · …
//   request: type · id(8) · nameLength(1) · name · payload (rest)
//   signal:  type · nameLength(1) · name · payload (rest)
//   UTF-16:  … name · pad(1, only if the name ends on an odd offset) · payload (rest)
//
// A server parses a message without copying it out of the received bytes. `start` and `end` are the bounds of the message in them.

export const ID_START = 1;
export const ID_END = ID_START + IDENTIFIER_LENGTH;

export const REQUEST_NAME_START = ID_END + 1;
export const SIGNAL_NAME_START = 2;

export function isRequestType(type: RequestType | SignalType): type is RequestType {
  return type === MessageType.RequestBinary || type === MessageType.RequestUtf8 || type === MessageType.RequestUtf16;
}

/**
 * Checks the lengths in a request or signal.
 * @returns The offset in `bytes` where the name ends.
 * @throws ProtocolError if the name reaches past the end of the message, or a UTF-16 payload has an odd length.
 */
export function readNameEnd(
  bytes: Uint8Array,
  nameStart: number,
  isUtf16: boolean,
  start: number,
  end: number,
): number {
  if (isUtf16) checkEvenLength(end - start);
  return fieldEnd(bytes, nameStart, start, end);
}

/** The offset in `bytes` where the payload of a request or signal starts: after the name, or after its padding. */
export function payloadStartAfter(nameEnd: number, isUtf16: boolean, start: number): number {
  return isUtf16 ? nameEnd + ((nameEnd - start) & 1) : nameEnd;
}

/**
 * Reads the length byte before a name or an error code.
 * @returns The offset in `bytes` where the name or code ends.
 * @throws ProtocolError if that is beyond the end of the message.
 */
export function fieldEnd(bytes: Uint8Array, fieldStart: number, start: number, end: number): number {
  const lengthAt = fieldStart - 1;
  const length = bytes[lengthAt]!;
  if (fieldStart + length > end) {
    throw new ProtocolError('LENGTH_MISMATCH', `length ${length} reaches past the end`, lengthAt - start);
  }
  return fieldStart + length;
}

/**
 * Checks the length of a UTF-16 message. The payload starts at an even offset, so a message of odd length ends within a code unit.
 * @throws ProtocolError for an odd length.
 */
export function checkEvenLength(length: number): void {
  if (length & 1) throw new ProtocolError('ODD_UTF16_LENGTH', `UTF-16 in ${length} bytes`, length - 1);
}

/** Returns a view of received bytes. It is faster than `subarray()`, which looks up the species and makes Buffers of Buffers. */
export function view(bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset + start, end - start);
}

/** Reads 4 bytes, little-endian, as a signed integer, because engines store signed integers without an allocation. */
export function readInt32(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8) | (bytes[offset + 2]! << 16) | (bytes[offset + 3]! << 24);
}

/** Writes the low 32 bits of an integer, little-endian. */
export function writeInt32(value: number, target: Uint8Array, offset: number): void {
  target[offset] = value;
  target[offset + 1] = value >>> 8;
  target[offset + 2] = value >>> 16;
  target[offset + 3] = value >>> 24;
}
