import { checkAscii } from './ascii.js';
import { ID_END, ID_START, SIGNAL_NAME_START } from './layout.js';
import {
  IDENTIFIER_LENGTH,
  MAX_ERROR_CODE_LENGTH,
  MAX_NAME_LENGTH,
  MAX_UINT32,
  MIN_MESSAGE_BUFFER_SIZE,
} from './limits.js';
import type {
  AcceptConfMessage,
  EmptyOptional,
  EncodableMessage,
  ReplyErrorMessage,
  RequestMessage,
  SignalMessage,
} from './messages.js';
import { assertMemory, isBytes } from './payload.js';
import { ProtocolError } from './protocol-error.js';
import { utf8Length } from './text.js';
import * as MessageType from './type-bytes.js';

type Named = EmptyOptional<RequestMessage | SignalMessage>;

/**
 * Checks a message and returns its encoded length, in bytes.
 *
 * @throws ProtocolError, and no other error, for a message that must not be sent (docs/PROTOCOL.md, section 2). The `offset` of
 *   the error is the position that the invalid field would have in the encoded message.
 */
export function encodedLength(message: EncodableMessage): number {
  if (typeof message !== 'object' || message === null) throw invalidField('message is not an object', 0);
  switch (message.type) {
    case MessageType.RequestBinary:
    case MessageType.RequestUtf8:
    case MessageType.RequestUtf16:
      checkId(message.id);
      return namedLength(message, ID_END);
    case MessageType.SignalBinary:
    case MessageType.SignalUtf8:
    case MessageType.SignalUtf16:
      return namedLength(message, SIGNAL_NAME_START - 1);
    case MessageType.ReplyBinary:
    case MessageType.ReplyUtf8:
      checkId(message.id);
      return ID_END + payloadLength(message.payload, ID_END);
    case MessageType.ReplyUtf16:
      checkId(message.id);
      return ID_END + 1 + evenPayloadLength(message.payload, ID_END + 1);
    case MessageType.ReplyShutdown:
    case MessageType.ReplyInternalError:
    case MessageType.ReplySessionNotFound:
    case MessageType.ReplyMaxSessionConnectionsReached:
    case MessageType.ReplySessionsDisabled:
    case MessageType.RequestCloseSession:
      checkId(message.id);
      return ID_END;
    case MessageType.ReplyError:
      checkId(message.id);
      return replyErrorLength(message);
    case MessageType.Heartbeat:
    case MessageType.SessionClosed:
      return 1;
    case MessageType.RequestRestoreSession:
      checkId(message.id);
      return ID_END + sessionKeyLength(message.sessionKey);
    case MessageType.SessionCreated:
      return 1 + sessionLength(message.session);
    case MessageType.AcceptConf:
      return acceptConfLength(message);
    default:
      message satisfies never;
      // Callers in plain JavaScript can get here. The error does not show the type, because it may be any value.
      throw new ProtocolError('UNKNOWN_TYPE', 'unknown message type', 0);
  }
}

function namedLength(message: Named, lengthAt: number): number {
  const nameStart = lengthAt + 1;
  const nameEnd = nameStart + nameLength(message.name, nameStart);
  if (payloadLength(message.payload, nameEnd) === 0) {
    if (nameEnd === nameStart) throw new ProtocolError('EMPTY_FIELD', 'neither a name nor a payload', lengthAt);
    // A UTF-16 request without a payload needs its padding byte. Such a signal is written as UTF-8, without padding.
    return message.type === MessageType.RequestUtf16 ? nextEven(nameEnd) : nameEnd;
  }
  const isUtf16 = message.type === MessageType.RequestUtf16 || message.type === MessageType.SignalUtf16;
  const payloadStart = isUtf16 ? nextEven(nameEnd) : nameEnd;
  return isUtf16
    ? payloadStart + evenPayloadLength(message.payload, payloadStart)
    : payloadStart + payloadLength(message.payload, payloadStart);
}

/** Rounds up to an even offset, where a UTF-16 payload starts. */
function nextEven(offset: number): number {
  return offset + (offset & 1);
}

function nameLength(name: unknown, offset: number): number {
  if (name === undefined) return 0;
  return asciiLength(name, 'name', MAX_NAME_LENGTH, offset);
}

function replyErrorLength({ code, message }: EmptyOptional<ReplyErrorMessage>): number {
  if (code === '') throw new ProtocolError('EMPTY_FIELD', 'error reply without a code', ID_END);
  const codeStart = ID_END + 1;
  const codeEnd = codeStart + asciiLength(code, 'error code', MAX_ERROR_CODE_LENGTH, codeStart);
  return codeEnd + textLength(message, codeEnd);
}

function sessionKeyLength(key: unknown): number {
  if (key === '') throw new ProtocolError('EMPTY_FIELD', 'empty session key', ID_END);
  return asciiLength(key, 'session key', Infinity, ID_END);
}

function asciiLength(text: unknown, field: string, maxLength: number, offset: number): number {
  if (typeof text !== 'string') throw invalidField(`${field} is not a string`, offset);
  if (text.length > maxLength) {
    throw new ProtocolError('FIELD_TOO_LONG', `${field} of ${text.length} bytes`, offset);
  }
  checkAscii(text, offset);
  return text.length;
}

function textLength(text: unknown, offset: number): number {
  if (text === undefined) return 0;
  if (typeof text !== 'string') throw invalidField('text is not a string', offset);
  return utf8Length(text);
}

function payloadLength(payload: unknown, offset: number): number {
  if (payload === undefined) return 0;
  if (!isBytes(payload)) throw invalidField('payload is not a Uint8Array', offset);
  if (payload.length === 0) checkMemory(payload, offset);
  return payload.length;
}

/** An array whose memory was transferred has length 0, but must not be sent as an empty payload. */
function checkMemory(payload: Uint8Array, offset: number): void {
  try {
    assertMemory(payload);
  } catch {
    throw invalidField('payload whose memory was transferred or shrunk', offset);
  }
}

function evenPayloadLength(payload: unknown, offset: number): number {
  const length = payloadLength(payload, offset);
  if (length & 1) {
    throw new ProtocolError('ODD_UTF16_LENGTH', `UTF-16 payload of ${length} bytes`, offset + length - 1);
  }
  return length;
}

function sessionLength(session: unknown): number {
  if (!isBytes(session)) throw invalidField('session is not a Uint8Array', 1);
  if (session.length === 0) throw new ProtocolError('EMPTY_FIELD', 'empty session', 1);
  return session.length;
}

function acceptConfLength(message: EmptyOptional<AcceptConfMessage>): number {
  checkInteger(message.majorVersion, 'major version', 0, 255, 1);
  checkInteger(message.minorVersion, 'minor version', 0, 255, 2);
  checkInteger(wholeMilliseconds(message.readTimeout), 'read timeout', 0, MAX_UINT32, 3);
  checkInteger(message.messageBufferSize, 'message buffer size', MIN_MESSAGE_BUFFER_SIZE, MAX_UINT32, 7);
  return 11 + textLength(message.subProtocolName, 11);
}

/** Rounds a computed timeout, which may have a fraction, down to an integer. Rounding up would make it longer. */
export function wholeMilliseconds(time: number): number {
  return typeof time === 'number' ? Math.floor(time) : NaN;
}

function checkInteger(value: unknown, field: string, min: number, max: number, offset: number): void {
  if (!isInteger(value) || value < min || value > max) {
    throw invalidField(`${field} is not an integer from ${min} to ${max}`, offset);
  }
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}

function checkId(id: unknown): void {
  if (!isBytes(id)) throw invalidField('id is not a Uint8Array', ID_START);
  if (id.length !== IDENTIFIER_LENGTH) throw invalidField(`id of ${id.length} bytes`, ID_START);
}

function invalidField(message: string, offset: number): ProtocolError {
  return new ProtocolError('INVALID_FIELD', message, offset);
}
