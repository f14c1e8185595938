import { writeAscii } from './ascii.js';
import { ID_END, ID_START, writeInt32 } from './layout.js';
import { encodedLength, wholeMilliseconds } from './measure.js';
import type {
  AcceptConfMessage,
  EmptyOptional,
  EncodableMessage,
  ReplyErrorMessage,
  SignalMessage,
} from './messages.js';
import { writeUtf8 } from './text.js';
import * as MessageType from './type-bytes.js';

/** Up to this number of bytes, a loop copies faster than `Uint8Array.set()`. */
const MAX_LOOP_COPY = 48;

/**
 * Encodes one message (docs/PROTOCOL.md, section 2). A UTF-16 signal without a payload is written as UTF-8.
 *
 * @throws ProtocolError, and nothing else, for a message that must not be sent: a name or error code with a
 *   character outside 32–126 or of more than 255 bytes, a missing code, a request or signal with neither name nor
 *   payload, a UTF-16 payload of odd length, an identifier that is not 8 bytes, a number out of range, or a field of
 *   the wrong type.
 */
export function encodeMessage(message: EncodableMessage): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(encodedLength(message));
  writeMessage(message, bytes, 0);
  return bytes;
}

/**
 * Encodes one message into `target`, for senders that collect messages before they send them.
 *
 * @param offset In bytes. Default: 0.
 * @returns The number of bytes written.
 * @throws ProtocolError as {@link encodeMessage} does.
 * @throws RangeError if `target` is too small; then nothing is written.
 */
export function encodeMessageInto(message: EncodableMessage, target: Uint8Array, offset: number = 0): number {
  const length = encodedLength(message);
  if (!(offset >= 0 && offset + length <= target.length)) {
    throw new RangeError(`${length} bytes do not fit at ${offset} into ${target.length}`);
  }
  writeMessage(message, target, offset);
  return length;
}

/**
 * Writes a message at `start`. The caller has called `encodedLength()`, which checks the message, and made sure that it
 * fits. Every byte is written, as memory may be reused.
 * @internal
 */
export function writeMessage(message: EncodableMessage, target: Uint8Array, start: number): void {
  const payloadAt = writeHead(message, target, start);
  const { payload } = message as { payload?: Uint8Array };
  if (payload !== undefined) copyBytes(payload, target, payloadAt);
}

/**
 * Writes the part before the payload, or the whole message if its type has no payload. The caller has called
 * `encodedLength()`.
 * @returns The offset where the payload begins.
 * @internal
 */
export function writeHead(message: EncodableMessage, target: Uint8Array, start: number): number {
  const { type } = message;
  const idEnd = start + ID_END;
  target[start] = type;
  switch (type) {
    // type · id(8) · nameLength(1) · name · payload (rest)
    case MessageType.RequestBinary:
    case MessageType.RequestUtf8:
      copyBytes(message.id, target, start + ID_START);
      return writeName(message.name, target, idEnd);
    // type · id(8) · nameLength(1) · name · pad(1, only if nameLength is odd) · payload (rest)
    case MessageType.RequestUtf16:
      copyBytes(message.id, target, start + ID_START);
      return writePadding(target, start, writeName(message.name, target, idEnd));
    // type · nameLength(1) · name · payload (rest)
    case MessageType.SignalBinary:
    case MessageType.SignalUtf8:
      return writeName(message.name, target, start + 1);
    // type · nameLength(1) · name · pad(1, only if nameLength is odd) · payload (rest)
    case MessageType.SignalUtf16:
      return writeUtf16SignalHead(message, target, start);
    // type · id(8) · payload (rest)
    case MessageType.ReplyBinary:
    case MessageType.ReplyUtf8:
      copyBytes(message.id, target, start + ID_START);
      return idEnd;
    // type · id(8) · pad(1) · payload (rest)
    case MessageType.ReplyUtf16:
      copyBytes(message.id, target, start + ID_START);
      return writePadding(target, start, idEnd);
    // type · id(8)
    case MessageType.ReplyShutdown:
    case MessageType.ReplyInternalError:
    case MessageType.ReplySessionNotFound:
    case MessageType.ReplyMaxSessionConnectionsReached:
    case MessageType.ReplySessionsDisabled:
    case MessageType.RequestCloseSession:
      copyBytes(message.id, target, start + ID_START);
      return idEnd;
    case MessageType.ReplyError:
      return writeReplyError(message, target, start);
    // type
    case MessageType.Heartbeat:
    case MessageType.SessionClosed:
      return start + 1;
    // type · id(8) · session key (rest)
    case MessageType.RequestRestoreSession:
      copyBytes(message.id, target, start + ID_START);
      writeAscii(message.sessionKey, target, idEnd);
      return idEnd + message.sessionKey.length;
    // type · session (rest)
    case MessageType.SessionCreated:
      target.set(message.session, start + 1);
      return start + 1 + message.session.length;
    case MessageType.AcceptConf:
      return writeAcceptConf(message, target, start);
    default:
      return type satisfies never;
  }
}

/** A UTF-16 signal without a payload is written as UTF-8, because the reference implementation rejects the former. */
function writeUtf16SignalHead(
  { name, payload }: EmptyOptional<SignalMessage>,
  target: Uint8Array,
  start: number,
): number {
  const nameEnd = writeName(name, target, start + 1);
  if (payload !== undefined && payload.length > 0) return writePadding(target, start, nameEnd);
  target[start] = MessageType.SignalUtf8;
  return nameEnd;
}

// type · id(8) · codeLength(1) · code · message (rest)
function writeReplyError(
  { id, code, message }: EmptyOptional<ReplyErrorMessage>,
  target: Uint8Array,
  start: number,
): number {
  copyBytes(id, target, start + ID_START);
  const codeEnd = writeName(code, target, start + ID_END);
  return message === undefined ? codeEnd : codeEnd + writeUtf8(message, target, codeEnd);
}

// type · major(1) · minor(1) · readTimeout(4) · messageBufferSize(4) · subProtocolName (rest)
function writeAcceptConf(message: EmptyOptional<AcceptConfMessage>, target: Uint8Array, start: number): number {
  target[start + 1] = message.majorVersion;
  target[start + 2] = message.minorVersion;
  writeInt32(wholeMilliseconds(message.readTimeout), target, start + 3);
  writeInt32(message.messageBufferSize, target, start + 7);
  const { subProtocolName } = message;
  return start + 11 + (subProtocolName === undefined ? 0 : writeUtf8(subProtocolName, target, start + 11));
}

/**
 * Writes the length of a name or code at `lengthAt`, then the name.
 * @returns The offset where it ends.
 */
function writeName(name: string | undefined, target: Uint8Array, lengthAt: number): number {
  const length = name === undefined ? 0 : name.length;
  target[lengthAt] = length;
  if (name !== undefined) writeAscii(name, target, lengthAt + 1);
  return lengthAt + 1 + length;
}

/**
 * Writes a padding byte if `offset` is odd, as counted from the start of the message.
 * @returns The offset after it.
 */
function writePadding(target: Uint8Array, start: number, offset: number): number {
  if (((offset - start) & 1) === 0) return offset;
  target[offset] = 0;
  return offset + 1;
}

/** Copies an array. A loop is faster for a few bytes, because `set()` checks its arguments first. */
function copyBytes(source: Uint8Array, target: Uint8Array, offset: number): void {
  const { length } = source;
  if (length > MAX_LOOP_COPY) target.set(source, offset);
  else for (let index = 0; index < length; index++) target[offset + index] = source[index]!;
}
