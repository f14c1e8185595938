import { ProtocolError } from '../../protocol/index.js';

/** A frame that RFC 6455 forbids. */
export function invalidFrame(): ProtocolError {
  return new ProtocolError('INVALID_FRAME', 'frame that breaks the WebSocket protocol', 0);
}

/** A message of text (PROTOCOL.md, section 1). */
export function textFrame(): ProtocolError {
  return new ProtocolError('TEXT_FRAME', 'text frame: messages are binary', 0);
}

/** @param messageBufferSize What it exceeds, in bytes. */
export function tooLarge(messageBufferSize: number): ProtocolError {
  return new ProtocolError('MESSAGE_TOO_LARGE', 'message larger than the buffer', messageBufferSize);
}
