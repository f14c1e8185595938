import type { ProtocolError } from '../protocol/index.js';
import type { PayloadCodec } from '../protocol/payload-codec.js';
import type { SessionService } from '../session/session-service.js';
import type { WebwireConnection } from './connection.js';
import type { DisconnectReason } from './disconnect-reason.js';
import type { Dispatcher } from './ports/dispatcher.js';
import type { ServerLogger } from '../common/logger.js';
import type { ActiveHandlers } from './active-handlers.js';

/** What a connection asks of the server it belongs to. */
export interface ConnectionHost {
  /** Largest message either way, in bytes. */
  readonly messageBufferSize: number;
  /** What may wait for a slow client, in bytes. */
  readonly maxBufferedAmount: number;
  /** Encodes the signals of the server. */
  readonly codec: PayloadCodec;
  readonly dispatcher: Dispatcher;
  readonly logger: ServerLogger;
  /** `null` where sessions are off. */
  readonly sessions: SessionService | null;
  readonly activeHandlers: ActiveHandlers;
  /** The client broke the protocol. */
  violated(connection: WebwireConnection, error: ProtocolError): void;
  /** The client reads too slowly. */
  dropped(connection: WebwireConnection, bufferedAmount: number): void;
  /** The connection is gone. */
  left(connection: WebwireConnection, reason: DisconnectReason): void;
  /** Runs what is the application's, logging its failure under `subject`; then calls `done`. */
  guard(subject: string, run: () => void | Promise<void>, done?: () => void): void;
}
