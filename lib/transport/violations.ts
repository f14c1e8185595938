import { ProtocolError } from '../protocol/index.js';
import type { FrameErrorCode } from './ws/framing/frame-error.js';

const TEXTS: Readonly<Record<FrameErrorCode, string>> = {
  INVALID_FRAME: 'frame that breaks the WebSocket protocol',
  INVALID_COMPRESSION: 'compressed message that cannot be inflated',
  TOO_MANY_FRAGMENTS: 'message in too many frames',
  MESSAGE_TOO_LARGE: 'message larger than the buffer',
};

/** Turns an error in the frames of a peer into a WebWire protocol error with the same code. */
export function frameViolation(code: FrameErrorCode, messageBufferSize: number): ProtocolError {
  return new ProtocolError(code, TEXTS[code], code === 'MESSAGE_TOO_LARGE' ? messageBufferSize : 0);
}

/** WebWire messages are binary (docs/PROTOCOL.md, section 1). */
export function textFrame(): ProtocolError {
  return new ProtocolError('TEXT_FRAME', 'text frame: messages are binary', 0);
}
