import {
  decodeMessage,
  MessageType,
  type ProtocolMessage,
  type RequestMessage,
  type SignalMessage,
} from '../protocol/index.js';
import { readType } from '../protocol/decode.js';
import { Message } from './message.js';
import type { ConnectionLifetime } from './connection-lifetime.js';

/** A message from a client: a request or signal for a handler, or any other message of the protocol. */
export type Incoming = Message | Exclude<ProtocolMessage, RequestMessage | SignalMessage>;

/**
 * Reads the message at `start` to `end` of received bytes.
 * @param maxLength Longest message, in bytes.
 * @throws ProtocolError if the bytes are not a message, or it is too long.
 */
export function readIncoming(
  bytes: Uint8Array,
  start: number,
  end: number,
  maxLength: number,
  lifetime: ConnectionLifetime,
): Incoming {
  const type = readType(bytes, start, end, maxLength);
  switch (type) {
    case MessageType.RequestBinary:
    case MessageType.RequestUtf8:
    case MessageType.RequestUtf16:
    case MessageType.SignalBinary:
    case MessageType.SignalUtf8:
    case MessageType.SignalUtf16:
      return new Message(type, bytes, start, end, lifetime);
    default:
      return decodeMessage(bytes.subarray(start, end)) as Exclude<Incoming, Message>;
  }
}
