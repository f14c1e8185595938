import { readAscii, readName } from './ascii.js';
import { IDENTIFIER_LENGTH, MAX_TEXT_FIELD_LENGTH } from './limits.js';
import type { MessageType as Type, ReplyType, RequestType, SignalType } from './message-type.js';
import type {
  AcceptConfMessage,
  ProtocolMessage,
  ReplyErrorMessage,
  ReplyMessage,
  RequestMessage,
  RestoreSessionMessage,
  SignalMessage,
} from './messages.js';
import {
  checkEvenLength,
  fieldEnd,
  ID_END,
  ID_START,
  payloadStartAfter,
  readInt32,
  readNameEnd,
  REQUEST_NAME_START,
  SIGNAL_NAME_START,
  view,
} from './layout.js';
import { ProtocolError } from './protocol-error.js';
import { decodeUtf8 } from './text.js';
import * as MessageType from './type-bytes.js';

const MIN_LENGTHS: Readonly<Record<Type, number>> = {
  [MessageType.ReplyError]: 11,
  [MessageType.ReplyShutdown]: 9,
  [MessageType.ReplyInternalError]: 9,
  [MessageType.ReplySessionNotFound]: 9,
  [MessageType.ReplyMaxSessionConnectionsReached]: 9,
  [MessageType.ReplySessionsDisabled]: 9,
  [MessageType.SessionCreated]: 2,
  [MessageType.SessionClosed]: 1,
  [MessageType.AcceptConf]: 11,
  [MessageType.RequestCloseSession]: 9,
  [MessageType.RequestRestoreSession]: 10,
  [MessageType.Heartbeat]: 1,
  [MessageType.SignalBinary]: 3,
  [MessageType.SignalUtf8]: 3,
  [MessageType.SignalUtf16]: 4,
  [MessageType.RequestBinary]: 11,
  [MessageType.RequestUtf8]: 11,
  [MessageType.RequestUtf16]: 12,
  [MessageType.ReplyBinary]: 9,
  [MessageType.ReplyUtf8]: 9,
  [MessageType.ReplyUtf16]: 10,
};

/** The length of the shortest message by type byte, in bytes; 0 for a byte that is not a type. */
const MIN_LENGTH_BY_BYTE = new Uint8Array(256);
for (const [type, length] of Object.entries(MIN_LENGTHS)) MIN_LENGTH_BY_BYTE[Number(type)] = length;

/**
 * Decodes one message (docs/PROTOCOL.md, section 2).
 *
 * Identifiers, payloads and sessions are views of `bytes`: they keep its memory alive and change with it. The name of a
 * nameless message is an empty string, and a missing payload is an empty array.
 *
 * @param maxLength Size of the receiver's message buffer, in bytes. Default: no limit.
 * @throws ProtocolError, and nothing else, for bytes that are not a message, or that are more than `maxLength`.
 */
export function decodeMessage(bytes: Uint8Array, maxLength: number = Infinity): ProtocolMessage {
  const type = readType(bytes, 0, bytes.length, maxLength);
  switch (type) {
    case MessageType.RequestBinary:
    case MessageType.RequestUtf8:
    case MessageType.RequestUtf16:
      return readRequest(bytes, type);
    case MessageType.SignalBinary:
    case MessageType.SignalUtf8:
    case MessageType.SignalUtf16:
      return readSignal(bytes, type);
    case MessageType.ReplyBinary:
    case MessageType.ReplyUtf8:
    case MessageType.ReplyUtf16:
      return readReply(bytes, type);
    // type · id(8) · ignored (rest)
    case MessageType.ReplyShutdown:
    case MessageType.ReplyInternalError:
    case MessageType.ReplySessionNotFound:
    case MessageType.ReplyMaxSessionConnectionsReached:
    case MessageType.ReplySessionsDisabled:
      return { type, id: readId(bytes) };
    case MessageType.ReplyError:
      return readReplyError(bytes);
    // type
    case MessageType.Heartbeat:
    case MessageType.SessionClosed:
      checkExactLength(bytes, ID_START);
      return { type };
    // type · id(8)
    case MessageType.RequestCloseSession:
      checkExactLength(bytes, ID_END);
      return { type, id: readId(bytes) };
    case MessageType.RequestRestoreSession:
      return readRestoreSession(bytes);
    // type · session (rest)
    case MessageType.SessionCreated:
      return { type, session: view(bytes, 1, bytes.length) };
    case MessageType.AcceptConf:
      return readAcceptConf(bytes);
    default:
      return type satisfies never;
  }
}

/**
 * Reads the type of the message from `start` to `end` of the received bytes, and checks its length: after that, the fixed
 * part of the message can be read without bounds checks.
 * @param maxLength In bytes.
 * @throws ProtocolError for an unknown type, and for a message that is empty, too long, or too short for its type.
 */
export function readType(bytes: Uint8Array, start: number, end: number, maxLength: number): Type {
  const length = end - start;
  if (length === 0) throw new ProtocolError('EMPTY_MESSAGE', 'message is empty', 0);
  if (length > maxLength) {
    throw new ProtocolError('MESSAGE_TOO_LARGE', `${length} bytes exceed ${maxLength}`, maxLength);
  }
  const type = bytes[start]!;
  if (!isMessageType(type)) throw new ProtocolError('UNKNOWN_TYPE', `unknown message type ${type}`, 0);
  const shortest = MIN_LENGTH_BY_BYTE[type]!;
  if (length < shortest) {
    throw new ProtocolError('TRUNCATED', `${length} bytes, type ${type} takes at least ${shortest}`, length);
  }
  return type;
}

function isMessageType(byte: number): byte is Type {
  return MIN_LENGTH_BY_BYTE[byte] !== 0;
}

function readRequest(bytes: Uint8Array, type: RequestType): RequestMessage {
  const isUtf16 = type === MessageType.RequestUtf16;
  const nameEnd = readNameEnd(bytes, REQUEST_NAME_START, isUtf16, 0, bytes.length);
  const payloadStart = payloadStartAfter(nameEnd, isUtf16, 0);
  // Both properties are read once: reading them takes as long as making a view.
  const { buffer, byteOffset } = bytes as Uint8Array<ArrayBuffer>;
  return {
    type,
    id: new Uint8Array(buffer, byteOffset + ID_START, IDENTIFIER_LENGTH),
    name: readName(bytes, REQUEST_NAME_START, nameEnd, 0),
    payload: new Uint8Array(buffer, byteOffset + payloadStart, bytes.length - payloadStart),
  };
}

function readSignal(bytes: Uint8Array, type: SignalType): SignalMessage {
  const isUtf16 = type === MessageType.SignalUtf16;
  const nameEnd = readNameEnd(bytes, SIGNAL_NAME_START, isUtf16, 0, bytes.length);
  return {
    type,
    name: readName(bytes, SIGNAL_NAME_START, nameEnd, 0),
    payload: view(bytes, payloadStartAfter(nameEnd, isUtf16, 0), bytes.length),
  };
}

// type · id(8) · payload (rest)
// UTF-16: type · id(8) · pad(1) · payload (rest)
function readReply(bytes: Uint8Array, type: ReplyType): ReplyMessage {
  if (type !== MessageType.ReplyUtf16) return { type, id: readId(bytes), payload: view(bytes, ID_END, bytes.length) };
  checkEvenLength(bytes.length);
  return { type, id: readId(bytes), payload: view(bytes, ID_END + 1, bytes.length) };
}

// type · id(8) · codeLength(1) · code · message (rest)
function readReplyError(bytes: Uint8Array): ReplyErrorMessage {
  const codeStart = ID_END + 1;
  if (bytes[ID_END] === 0) throw new ProtocolError('EMPTY_FIELD', 'error reply without a code', ID_END);
  const codeEnd = fieldEnd(bytes, codeStart, 0, bytes.length);
  return {
    type: MessageType.ReplyError,
    id: readId(bytes),
    code: readName(bytes, codeStart, codeEnd, 0),
    message: readText(bytes, codeEnd),
  };
}

// type · id(8) · session key (rest)
function readRestoreSession(bytes: Uint8Array): RestoreSessionMessage {
  checkTextLength(bytes, ID_END);
  return {
    type: MessageType.RequestRestoreSession,
    id: readId(bytes),
    sessionKey: readAscii(bytes, ID_END, bytes.length),
  };
}

// type · major(1) · minor(1) · readTimeout(4) · messageBufferSize(4) · subProtocolName (rest)
function readAcceptConf(bytes: Uint8Array): AcceptConfMessage {
  return {
    type: MessageType.AcceptConf,
    majorVersion: bytes[1]!,
    minorVersion: bytes[2]!,
    readTimeout: readUint32(bytes, 3),
    messageBufferSize: readUint32(bytes, 7),
    subProtocolName: readText(bytes, 11),
  };
}

function readId(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return view(bytes, ID_START, ID_END);
}

function checkExactLength(bytes: Uint8Array, expected: number): void {
  const { length } = bytes;
  if (length > expected) {
    throw new ProtocolError('TRAILING_BYTES', `${length} bytes, type ${bytes[0]} takes ${expected}`, expected);
  }
}

function checkTextLength(bytes: Uint8Array, start: number): void {
  const length = bytes.length - start;
  if (length > MAX_TEXT_FIELD_LENGTH) {
    throw new ProtocolError('MESSAGE_TOO_LARGE', `${length} bytes of text`, start + MAX_TEXT_FIELD_LENGTH);
  }
}

function readText(bytes: Uint8Array, start: number): string {
  if (start === bytes.length) return '';
  checkTextLength(bytes, start);
  return decodeUtf8(bytes.subarray(start));
}

function readUint32(bytes: Uint8Array, offset: number): number {
  return readInt32(bytes, offset) >>> 0;
}
