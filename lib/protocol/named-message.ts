import { IDENTIFIER_LENGTH } from './limits.js';
import type { RequestType, SignalType } from './message-type.js';
import { ProtocolError } from './protocol-error.js';
import * as MessageType from './type-bytes.js';

// Where the parts of a request or signal stand that begins at `start` of received bytes (PROTOCOL.md, section 2):
//
//   request: type · id(8) · nameLength(1) · name · payload (rest)
//   signal:  type · nameLength(1) · name · payload (rest)
//   UTF-16:  … name · pad(1, only if the name ends on an odd offset) · payload (rest)

type NamedType = RequestType | SignalType;

export const ID_START = 1;
export const ID_END = ID_START + IDENTIFIER_LENGTH;

/** Whether a message of this type wants an answer. */
export function isRequest(type: number): boolean {
  return type === MessageType.RequestBinary || type === MessageType.RequestUtf8 || type === MessageType.RequestUtf16;
}

export function nameStartOf(type: NamedType, start: number): number {
  return start + 1 + (isRequest(type) ? ID_END : ID_START);
}

/**
 * Where the name ends in a message that ends at `end`.
 * @throws ProtocolError if it does not end within the message, or the message has half a UTF-16 unit.
 */
export function nameEndOf(type: NamedType, bytes: Uint8Array, start: number, end: number): number {
  if (isUtf16(type)) checkEvenLength(end - start);
  return endOf(bytes, nameStartOf(type, start), start, end);
}

/** In a message of even length, a name that ends on an odd offset is followed by its padding byte. */
export function payloadStartOf(type: NamedType, start: number, nameEnd: number): number {
  return isUtf16(type) ? nameEnd + ((nameEnd - start) & 1) : nameEnd;
}

/** Where a name or code ends whose length stands before it. */
export function endOf(bytes: Uint8Array, nameStart: number, start: number, end: number): number {
  const lengthAt = nameStart - 1;
  const length = bytes[lengthAt]!;
  if (nameStart + length > end) {
    throw new ProtocolError('LENGTH_MISMATCH', `length ${length} reaches past the end`, lengthAt - start);
  }
  return nameStart + length;
}

/** Payloads start on an even offset, so this is about the length of the payload as well. */
export function checkEvenLength(length: number): void {
  if (length & 1) throw new ProtocolError('ODD_UTF16_LENGTH', `UTF-16 in ${length} bytes`, length - 1);
}

/** A part of received bytes. A plain constructor call: subarray asks for the species first, and gives a Buffer of a Buffer. */
export function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

function isUtf16(type: NamedType): boolean {
  return type === MessageType.RequestUtf16 || type === MessageType.SignalUtf16;
}
