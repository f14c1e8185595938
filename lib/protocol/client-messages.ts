import { ID_END, REQUEST_NAME_START, SIGNAL_NAME_START } from './layout.js';
import { MAX_NAME_LENGTH } from './limits.js';
import { ENCODINGS, type Payload as FullPayload } from './payload.js';
import { checkCharacters, throwProtocolError } from './server-messages.js';
import { encodeUtf8 } from './text.js';
import * as MessageType from './type-bytes.js';

type Payload = Pick<FullPayload, 'encoding' | 'bytes'>;

// Encoders of the messages that clients send. They do the same as `encodeMessage()`, with the same errors, but make smaller
// client bundles, because they leave out the messages of servers. Identifiers are 0 until a message is sent.

/** type · id(8) · nameLength(1) · name · payload (rest) */
export function encodeRequest(name: string, payload: Payload): Uint8Array<ArrayBuffer> {
  return encodeNamed(
    MessageType.RequestBinary + ENCODINGS.indexOf(payload.encoding),
    REQUEST_NAME_START,
    name,
    payload,
  );
}

/** type · nameLength(1) · name · payload (rest); without a payload, UTF-16 is written as UTF-8 */
export function encodeClientSignal(name: string, payload: Payload): Uint8Array<ArrayBuffer> {
  const encoding = payload.bytes.length > 0 || payload.encoding !== 'utf16' ? payload.encoding : 'utf8';
  return encodeNamed(MessageType.SignalBinary + ENCODINGS.indexOf(encoding), SIGNAL_NAME_START, name, payload);
}

/** A request or signal of an extension, whose payload is text. */
export function textPayload(text: string): Payload {
  return { encoding: 'utf8', bytes: encodeUtf8(text) };
}

/** type · id(8) · session key (rest) */
export function encodeRestoreSession(key: string): Uint8Array<ArrayBuffer> {
  if (key === '') throwProtocolError('EMPTY_FIELD', ID_END);
  checkText(key, Infinity, ID_END);
  const bytes = createMessage(MessageType.RequestRestoreSession, ID_END + key.length);
  bytes.set(encodeUtf8(key), ID_END);
  return bytes;
}

/** type · id(8) */
export function encodeCloseSession(): Uint8Array<ArrayBuffer> {
  return createMessage(MessageType.RequestCloseSession, ID_END);
}

/** type */
export function encodeHeartbeat(): Uint8Array<ArrayBuffer> {
  return createMessage(MessageType.Heartbeat, 1);
}

/** A UTF-16 payload starts on an even offset, after a byte of padding if necessary. */
function encodeNamed(
  type: number,
  nameStart: number,
  name: string,
  { encoding, bytes: payload }: Payload,
): Uint8Array<ArrayBuffer> {
  checkText(name, MAX_NAME_LENGTH, nameStart);
  const nameEnd = nameStart + name.length;
  const isUtf16 = type === MessageType.RequestUtf16 || type === MessageType.SignalUtf16;
  const payloadStart = isUtf16 ? nameEnd + (nameEnd & 1) : nameEnd;
  const end = payloadStart + payload.length;
  if (end === nameStart) throwProtocolError('EMPTY_FIELD', nameStart - 1);
  if (encoding === 'utf16' && payload.length & 1) throwProtocolError('ODD_UTF16_LENGTH', end - 1);
  const bytes = createMessage(type, end);
  bytes[nameStart - 1] = name.length;
  bytes.set(encodeUtf8(name), nameStart);
  bytes.set(payload, payloadStart);
  return bytes;
}

function checkText(text: unknown, maxLength: number, offset: number): asserts text is string {
  if (typeof text !== 'string') throwProtocolError('INVALID_FIELD', offset);
  if (text.length > maxLength) throwProtocolError('FIELD_TOO_LONG', offset);
  checkCharacters(text, offset);
}

function createMessage(type: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  bytes[0] = type;
  return bytes;
}
