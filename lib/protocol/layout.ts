import { IDENTIFIER_LENGTH } from './limits.js';
import { ProtocolError } from './protocol-error.js';

// Where the parts of a request or signal stand that begins at `start` of received bytes and ends at `end`
// (PROTOCOL.md, section 2):
//
//   request: type · id(8) · nameLength(1) · name · payload (rest)
//   signal:  type · nameLength(1) · name · payload (rest)
//   UTF-16:  … name · pad(1, only if the name ends on an odd offset) · payload (rest)

export const ID_START = 1;
export const ID_END = ID_START + IDENTIFIER_LENGTH;

/** Where the name of a request starts, as counted from its own start. */
export const REQUEST_NAME_START = ID_END + 1;

/** Where the name of a signal starts, as counted from its own start. */
export const SIGNAL_NAME_START = 2;

/**
 * Where a name or code ends whose length stands before it.
 * @throws ProtocolError if that is beyond the end of the message.
 */
export function nameEndOf(bytes: Uint8Array, nameStart: number, start: number, end: number): number {
  const lengthAt = nameStart - 1;
  const length = bytes[lengthAt]!;
  if (nameStart + length > end) {
    throw new ProtocolError('LENGTH_MISMATCH', `length ${length} reaches past the end`, lengthAt - start);
  }
  return nameStart + length;
}

/**
 * Where a UTF-16 payload starts: in a message of even length, a name that ends on an odd offset is followed by its padding
 * byte.
 */
export function utf16StartOf(nameEnd: number, start: number): number {
  return nameEnd + ((nameEnd - start) & 1);
}

/**
 * UTF-16 payloads start on an even offset, so this is about the length of the payload as well as that of the message.
 * @throws ProtocolError if it has half a UTF-16 unit.
 */
export function checkEvenLength(length: number): void {
  if (length & 1) throw new ProtocolError('ODD_UTF16_LENGTH', `UTF-16 in ${length} bytes`, length - 1);
}

/** A part of received bytes. A plain constructor call: subarray asks for the species first, and makes Buffers of Buffers. */
export function view(bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset + start, end - start);
}
