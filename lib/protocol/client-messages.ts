import { checkAscii } from './ascii.js';
import { IDENTIFIER_LENGTH, MAX_NAME_LENGTH } from './limits.js';
import type { Payload } from './payload.js';
import { ENCODINGS, refuse } from './server-messages.js';
import { encodeUtf8 } from './text.js';
import * as MessageType from './type-bytes.js';

// What clients send, written as `encodeMessage` does and with the same errors, but without the code for what only servers
// send, which bundles of clients are the smaller for. Identifiers are 0: they are written when a message is sent.

const ID_END = 1 + IDENTIFIER_LENGTH;

/** type · id(8) · nameLength(1) · name · payload (rest) */
export function encodeRequest(name: string, payload: Payload): Uint8Array<ArrayBuffer> {
  return encodeNamed(MessageType.RequestBinary + ENCODINGS.indexOf(payload.encoding), ID_END, name, payload);
}

/** type · nameLength(1) · name · payload (rest); a name alone is never UTF-16 */
export function encodeSignal(name: string, payload: Payload): Uint8Array<ArrayBuffer> {
  const encoding = payload.bytes.length > 0 || payload.encoding !== 'utf16' ? payload.encoding : 'utf8';
  return encodeNamed(MessageType.SignalBinary + ENCODINGS.indexOf(encoding), 1, name, payload);
}

/** type · id(8) · session key (rest) */
export function encodeRestoreSession(key: string): Uint8Array<ArrayBuffer> {
  if (key === '') refuse('EMPTY_FIELD', ID_END);
  checkText(key, Infinity, ID_END);
  const bytes = start(MessageType.RequestRestoreSession, ID_END + key.length);
  bytes.set(encodeUtf8(key), ID_END);
  return bytes;
}

/** type · id(8) */
export function encodeCloseSession(): Uint8Array<ArrayBuffer> {
  return start(MessageType.RequestCloseSession, ID_END);
}

/** type */
export function encodeHeartbeat(): Uint8Array<ArrayBuffer> {
  return start(MessageType.Heartbeat, 1);
}

/** UTF-16 payloads start on an even offset, behind one byte of padding if need be; that of a signal with nothing else has none. */
function encodeNamed(
  type: number,
  lengthAt: number,
  name: string,
  { encoding, bytes: payload }: Payload,
): Uint8Array<ArrayBuffer> {
  const nameStart = lengthAt + 1;
  checkText(name, MAX_NAME_LENGTH, nameStart);
  const nameEnd = nameStart + name.length;
  const isUtf16 = type === MessageType.RequestUtf16 || type === MessageType.SignalUtf16;
  const payloadStart = isUtf16 ? nameEnd + (nameEnd & 1) : nameEnd;
  const end = payloadStart + payload.length;
  if (end === nameStart) refuse('EMPTY_FIELD', lengthAt);
  if (encoding === 'utf16' && payload.length & 1) refuse('ODD_UTF16_LENGTH', end - 1);
  const bytes = start(type, end);
  bytes[lengthAt] = name.length;
  bytes.set(encodeUtf8(name), nameStart);
  bytes.set(payload, payloadStart);
  return bytes;
}

function checkText(text: unknown, longest: number, offset: number): asserts text is string {
  if (typeof text !== 'string') refuse('INVALID_FIELD', offset);
  if (text.length > longest) refuse('FIELD_TOO_LONG', offset);
  checkAscii(text, offset);
}

function start(type: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  bytes[0] = type;
  return bytes;
}
