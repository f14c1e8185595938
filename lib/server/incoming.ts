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

/** What a client sent: something for a handler, or anything else that the protocol knows. */
export type Incoming = Message | Exclude<ProtocolMessage, RequestMessage | SignalMessage>;

/**
 * Reads the message that stands from `start` to `end` in received bytes.
 * @param maxLength Of a message, in bytes.
 * @throws ProtocolError if it is not a message, or too long.
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
