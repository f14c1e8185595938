import { ProtocolError } from '../../protocol/index.js';
import type { FrameErrorCode } from './framing/frame-error.js';

const TEXTS: Readonly<Record<FrameErrorCode, string>> = {
  INVALID_FRAME: 'frame that breaks the WebSocket protocol',
  INVALID_COMPRESSION: 'compressed message that cannot be inflated',
  TOO_MANY_FRAGMENTS: 'message in too many frames',
  MESSAGE_TOO_LARGE: 'message larger than the buffer',
};

/** The violation of WebWire that a mistake in frames is. Its code is the same. */
export function frameViolation(code: FrameErrorCode, messageBufferSize: number): ProtocolError {
  return new ProtocolError(code, TEXTS[code], code === 'MESSAGE_TOO_LARGE' ? messageBufferSize : 0);
}

/** A message of text (PROTOCOL.md, section 1). */
export function textFrame(): ProtocolError {
  return new ProtocolError('TEXT_FRAME', 'text frame: messages are binary', 0);
}
