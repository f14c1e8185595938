import type { ProtocolError } from '../protocol/index.js';
import { frameViolation } from '../transport/violations.js';

/** The start of the reasons with which Bun ends a connection because of a frame, such as `Received invalid UTF-8`. */
const RECEIVED = 'Received ';

/** Bun gives this reason if a peer ends the TCP connection without a close frame. */
const RECEIVED_END = 'Received TCP FIN before WebSocket close frame';

const RECEIVED_TOO_MUCH = 'Received too big message';

/** Returns the violation because of which Bun has ended a connection, if there is one. */
export function violationOf(reason: string, messageBufferSize: number): ProtocolError | undefined {
  if (!reason.startsWith(RECEIVED) || reason === RECEIVED_END) return undefined;
  return frameViolation(reason === RECEIVED_TOO_MUCH ? 'MESSAGE_TOO_LARGE' : 'INVALID_FRAME', messageBufferSize);
}
