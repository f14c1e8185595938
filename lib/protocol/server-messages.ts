import { checkAscii } from './ascii.js';
import { IDENTIFIER_LENGTH } from './limits.js';
import type { ReplyMessage, ServerMessage, SignalMessage } from './messages.js';
import { PayloadView, type Payload, type PayloadEncoding } from './payload.js';
import { ProtocolError, type ProtocolErrorCode } from './protocol-error.js';
import { decodeUtf8 } from './text.js';
import * as MessageType from './type-bytes.js';

const ID_START = 1;
const ID_END = ID_START + IDENTIFIER_LENGTH;

/** The types of requests, and so on, are numbered in this order. */
export const ENCODINGS: readonly PayloadEncoding[] = ['binary', 'utf8', 'utf16'];

/** The payload of a reply or a signal: their types start one before a multiple of 64. */
export function payloadOf({ type, payload }: ReplyMessage | SignalMessage): Payload {
  return new PayloadView(ENCODINGS[(type + 1) % 64]!, payload);
}

/**
 * Reads one message of a server, as `decodeMessage` does (the tests compare the two), without the code for what only clients
 * send and for what makes servers fast: bundles of clients are the smaller for it.
 *
 * Throws a {@link ProtocolError} for a type that servers do not send.
 */
export function decodeServerMessage(bytes: Uint8Array<ArrayBuffer>, maxLength: number): ServerMessage {
  const { length } = bytes;
  if (length === 0) refuse('EMPTY_MESSAGE', 0);
  if (length > maxLength) refuse('MESSAGE_TOO_LARGE', maxLength);
  const type = bytes[0] as ServerMessage['type'];
  const pad = type === MessageType.SignalUtf16 || type === MessageType.ReplyUtf16 ? 1 : 0;
  const atLeast = (shortest: number) => {
    if (length < shortest) refuse('TRUNCATED', length);
    if (length & pad) refuse('ODD_UTF16_LENGTH', length - 1);
    return bytes.subarray(ID_START, ID_END);
  };
  const nameEnd = (lengthAt: number) => {
    const end = lengthAt + 1 + bytes[lengthAt]!;
    if (end > length) refuse('LENGTH_MISMATCH', lengthAt);
    return end;
  };
  const name = (start: number, end: number) => {
    const text = decodeUtf8(bytes.subarray(start, end));
    checkAscii(text, start);
    return text;
  };
  switch (type) {
    // type · nameLength(1) · name · payload (rest); UTF-16: pad(1) before the payload, only if nameLength is odd
    case MessageType.SignalBinary:
    case MessageType.SignalUtf8:
    case MessageType.SignalUtf16: {
      atLeast(3 + pad);
      const end = nameEnd(1);
      return { type, name: name(2, end), payload: bytes.subarray(end + (end & pad)) };
    }
    // type · id(8) · payload (rest); UTF-16: pad(1) before the payload
    case MessageType.ReplyBinary:
    case MessageType.ReplyUtf8:
    case MessageType.ReplyUtf16:
      return { type, id: atLeast(ID_END + pad), payload: bytes.subarray(ID_END + pad) };
    // type · id(8) · codeLength(1) · code · message (rest)
    case MessageType.ReplyError: {
      const id = atLeast(ID_END + 2);
      if (bytes[ID_END] === 0) refuse('EMPTY_FIELD', ID_END);
      const end = nameEnd(ID_END);
      return { type, id, code: name(ID_END + 1, end), message: decodeUtf8(bytes.subarray(end)) };
    }
    // type · id(8); what follows is ignored
    case MessageType.ReplyShutdown:
    case MessageType.ReplyInternalError:
    case MessageType.ReplySessionNotFound:
    case MessageType.ReplyMaxSessionConnectionsReached:
    case MessageType.ReplySessionsDisabled:
      return { type, id: atLeast(ID_END) };
    // type · session (rest)
    case MessageType.SessionCreated:
      atLeast(2);
      return { type, session: bytes.subarray(1) };
    // type
    case MessageType.SessionClosed:
      if (length > 1) refuse('TRAILING_BYTES', 1);
      return { type };
    // type · major(1) · minor(1) · readTimeout(4) · messageBufferSize(4) · subProtocolName (rest)
    case MessageType.AcceptConf: {
      atLeast(11);
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
      return refuse('UNEXPECTED_MESSAGE', 0);
  }
}

export function refuse(code: ProtocolErrorCode, offset: number): never {
  throw new ProtocolError(code, `${code} at byte ${offset}`, offset);
}
