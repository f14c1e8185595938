import { invalidCharacter } from './ascii.js';
import { ID_END, ID_START, SIGNAL_NAME_START } from './layout.js';
import type { ReplyMessage, ServerMessage, SignalMessage } from './messages.js';
import { ENCODINGS, PayloadView, type Payload } from './payload.js';
import { ProtocolError, type ProtocolErrorCode } from './protocol-error.js';
import { decodeUtf8 } from './text.js';
import * as MessageType from './type-bytes.js';

/** The payload of a reply or a signal. Their three types are numbered in the order of `ENCODINGS`, from 63 and from 191. */
export function payloadOf({ type, payload }: ReplyMessage | SignalMessage): Payload {
  return new PayloadView(ENCODINGS[(type + 1) % 64]!, payload);
}

/**
 * Decodes one message of a server. The result is that of `decodeMessage()`, but this function makes smaller client bundles: it
 * leaves out messages of clients and optimisations for servers. Tests compare the two.
 *
 * @throws ProtocolError as `decodeMessage()`, and for a type that servers do not send.
 */
export function decodeServerMessage(bytes: Uint8Array<ArrayBuffer>, maxLength: number): ServerMessage {
  const { length } = bytes;
  if (length === 0) throwProtocolError('EMPTY_MESSAGE', 0);
  if (length > maxLength) throwProtocolError('MESSAGE_TOO_LARGE', maxLength);
  const type = bytes[0] as ServerMessage['type'];
  const pad = type === MessageType.SignalUtf16 || type === MessageType.ReplyUtf16 ? 1 : 0;
  const checkLength = (minLength: number) => {
    if (length < minLength) throwProtocolError('TRUNCATED', length);
    if (length & pad) throwProtocolError('ODD_UTF16_LENGTH', length - 1);
    return bytes.subarray(ID_START, ID_END);
  };
  // The byte before a name or an error code is its length.
  const readField = (start: number) => {
    const end = start + bytes[start - 1]!;
    if (end > length) throwProtocolError('LENGTH_MISMATCH', start - 1);
    const text = decodeUtf8(bytes.subarray(start, end));
    checkCharacters(text, start);
    return text;
  };
  switch (type) {
    // type · nameLength(1) · name · payload (rest); UTF-16: pad(1) before the payload, only if nameLength is odd
    case MessageType.SignalBinary:
    case MessageType.SignalUtf8:
    case MessageType.SignalUtf16: {
      checkLength(3 + pad);
      const name = readField(SIGNAL_NAME_START);
      return { type, name, payload: bytes.subarray(SIGNAL_NAME_START + name.length + (name.length & pad)) };
    }
    // type · id(8) · payload (rest); UTF-16: pad(1) before the payload
    case MessageType.ReplyBinary:
    case MessageType.ReplyUtf8:
    case MessageType.ReplyUtf16:
      return { type, id: checkLength(ID_END + pad), payload: bytes.subarray(ID_END + pad) };
    // type · id(8) · codeLength(1) · code · message (rest)
    case MessageType.ReplyError: {
      const id = checkLength(ID_END + 2);
      if (bytes[ID_END] === 0) throwProtocolError('EMPTY_FIELD', ID_END);
      const code = readField(ID_END + 1);
      return { type, id, code, message: decodeUtf8(bytes.subarray(ID_END + 1 + code.length)) };
    }
    // type · id(8) · ignored (rest)
    case MessageType.ReplyShutdown:
    case MessageType.ReplyInternalError:
    case MessageType.ReplySessionNotFound:
    case MessageType.ReplyMaxSessionConnectionsReached:
    case MessageType.ReplySessionsDisabled:
      return { type, id: checkLength(ID_END) };
    // type · session (rest)
    case MessageType.SessionCreated:
      checkLength(2);
      return { type, session: bytes.subarray(1) };
    // type
    case MessageType.SessionClosed:
      if (length > 1) throwProtocolError('TRAILING_BYTES', 1);
      return { type };
    // type · major(1) · minor(1) · readTimeout(4) · messageBufferSize(4) · subProtocolName (rest)
    case MessageType.AcceptConf: {
      checkLength(11);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      return {
        type,
        majorVersion: bytes[1]!,
        minorVersion: bytes[2]!,
        readTimeout: view.getUint32(3, true),
        messageBufferSize: view.getUint32(7, true),
        subProtocolName: decodeUtf8(bytes.subarray(11)),
      };
    }
    default:
      return throwProtocolError('UNEXPECTED_MESSAGE', 0);
  }
}

/** Checks text in a message, which starts at the offset: like `checkAscii()`, but smaller. */
export function checkCharacters(text: string, offset: number): void {
  const index = text.search(/[^ -~]/);
  if (index >= 0) throw invalidCharacter(offset + index);
}

/** @param offset Of the violation, in bytes from the start of the message. */
export function throwProtocolError(code: ProtocolErrorCode, offset: number): never {
  throw new ProtocolError(code, `${code} at byte ${offset}`, offset);
}
