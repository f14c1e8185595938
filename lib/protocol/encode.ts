import { writeAscii } from './ascii.js';
import { IDENTIFIER_LENGTH } from './limits.js';
import { encodedLength, nextEven, wholeMilliseconds } from './measure.js';
import type {
  AcceptConfMessage,
  EmptyOptional,
  EncodableMessage,
  ReplyErrorMessage,
  ReplyMessage,
  RequestMessage,
  SignalMessage,
} from './messages.js';
import { writeUtf8 } from './text.js';
import * as MessageType from './type-bytes.js';

const ID_START = 1;
const ID_END = ID_START + IDENTIFIER_LENGTH;

/**
 * Writes one message into new memory (PROTOCOL.md, section 2). A UTF-16 signal with a name alone is written as UTF-8.
 *
 * Throws a {@link ProtocolError}, and nothing else, for a message that must not be sent: a name or error code with a
 * character outside 32–126 or of more than 255 bytes, a missing code, a request or signal with neither name nor
 * payload, a UTF-16 payload of odd length, an identifier that is not 8 bytes, a number out of range, or a field of
 * the wrong type.
 */
export function encodeMessage(message: EncodableMessage): Uint8Array {
  const bytes = new Uint8Array(encodedLength(message));
  write(message, bytes);
  return bytes;
}

/**
 * Writes one message into `target` at `offset` (default: its start) and returns the number of bytes written, for
 * senders that collect messages before they send them.
 *
 * Throws as {@link encodeMessage} does, and a RangeError where `target` has not enough room; then nothing is written.
 */
export function encodeMessageInto(message: EncodableMessage, target: Uint8Array, offset: number = 0): number {
  const length = encodedLength(message);
  if (!(offset >= 0 && offset + length <= target.length)) {
    throw new RangeError(`${length} bytes do not fit at ${offset} into ${target.length}`);
  }
  write(message, target.subarray(offset, offset + length));
  return length;
}

/** Writes a message that was measured into as many bytes. Every byte is written: memory is not always new. */
function write(message: EncodableMessage, target: Uint8Array): void {
  const { type } = message;
  target[0] = type;
  switch (type) {
    case MessageType.RequestBinary:
    case MessageType.RequestUtf8:
    case MessageType.RequestUtf16:
      return writeRequest(message, target);
    case MessageType.SignalBinary:
    case MessageType.SignalUtf8:
    case MessageType.SignalUtf16:
      return writeSignal(message, target);
    case MessageType.ReplyBinary:
    case MessageType.ReplyUtf8:
    case MessageType.ReplyUtf16:
      return writeReply(message, target);
    // type · id(8)
    case MessageType.ReplyShutdown:
    case MessageType.ReplyInternalError:
    case MessageType.ReplySessionNotFound:
    case MessageType.ReplyMaxSessionConnectionsReached:
    case MessageType.ReplySessionsDisabled:
    case MessageType.RequestCloseSession:
      return target.set(message.id, ID_START);
    case MessageType.ReplyError:
      return writeReplyError(message, target);
    // type
    case MessageType.Heartbeat:
    case MessageType.SessionClosed:
      return undefined;
    // type · id(8) · session key (rest)
    case MessageType.RequestRestoreSession:
      target.set(message.id, ID_START);
      return writeAscii(message.sessionKey, target, ID_END);
    // type · session (rest)
    case MessageType.SessionCreated:
      return target.set(message.session, 1);
    case MessageType.AcceptConf:
      return writeAcceptConf(message, target);
    default:
      return type satisfies never;
  }
}

// type · id(8) · nameLength(1) · name · payload (rest)
// UTF-16: type · id(8) · nameLength(1) · name · pad(1, only if nameLength is odd) · payload (rest)
function writeRequest({ type, id, name, payload }: EmptyOptional<RequestMessage>, target: Uint8Array): void {
  target.set(id, ID_START);
  const nameEnd = writeName(name, target, ID_END);
  const payloadStart = type === MessageType.RequestUtf16 ? writePadding(target, nameEnd) : nameEnd;
  if (payload !== undefined) target.set(payload, payloadStart);
}

// type · nameLength(1) · name · payload (rest)
// UTF-16: type · nameLength(1) · name · pad(1, only if nameLength is odd) · payload (rest)
function writeSignal({ type, name, payload }: EmptyOptional<SignalMessage>, target: Uint8Array): void {
  const nameEnd = writeName(name, target, 1);
  if (payload === undefined || payload.length === 0) {
    // The reference refuses a UTF-16 signal with a name alone.
    if (type === MessageType.SignalUtf16) target[0] = MessageType.SignalUtf8;
    return;
  }
  target.set(payload, type === MessageType.SignalUtf16 ? writePadding(target, nameEnd) : nameEnd);
}

// type · id(8) · payload (rest)
// UTF-16: type · id(8) · pad(1) · payload (rest)
function writeReply({ type, id, payload }: EmptyOptional<ReplyMessage>, target: Uint8Array): void {
  target.set(id, ID_START);
  const payloadStart = type === MessageType.ReplyUtf16 ? writePadding(target, ID_END) : ID_END;
  if (payload !== undefined) target.set(payload, payloadStart);
}

// type · id(8) · codeLength(1) · code · message (rest)
function writeReplyError({ id, code, message }: EmptyOptional<ReplyErrorMessage>, target: Uint8Array): void {
  target.set(id, ID_START);
  const codeEnd = writeName(code, target, ID_END);
  if (message !== undefined) writeUtf8(message, target, codeEnd);
}

// type · major(1) · minor(1) · readTimeout(4) · messageBufferSize(4) · subProtocolName (rest)
function writeAcceptConf(message: EmptyOptional<AcceptConfMessage>, target: Uint8Array): void {
  target[1] = message.majorVersion;
  target[2] = message.minorVersion;
  writeUint32(wholeMilliseconds(message.readTimeout), target, 3);
  writeUint32(message.messageBufferSize, target, 7);
  if (message.subProtocolName !== undefined) writeUtf8(message.subProtocolName, target, 11);
}

/** Writes the length of a name or code at `lengthAt`, then the name, and returns where it ends. */
function writeName(name: string | undefined, target: Uint8Array, lengthAt: number): number {
  const length = name === undefined ? 0 : name.length;
  target[lengthAt] = length;
  if (name !== undefined) writeAscii(name, target, lengthAt + 1);
  return lengthAt + 1 + length;
}

function writePadding(target: Uint8Array, offset: number): number {
  if (offset & 1) target[offset] = 0;
  return nextEven(offset);
}

function writeUint32(value: number, target: Uint8Array, offset: number): void {
  target[offset] = value;
  target[offset + 1] = value >>> 8;
  target[offset + 2] = value >>> 16;
  target[offset + 3] = value >>> 24;
}
