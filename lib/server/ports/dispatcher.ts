import type { Payload } from '../../protocol/index.js';
import type { WebwireConnection } from '../connection.js';
import type { DisconnectReason } from '../disconnect-reason.js';
import type { Handshake } from '../handshake.js';
import type { Message } from '../message.js';

/** The application behind a server: what is to be done with what its connections bring. */
export interface Dispatcher {
  /**
   * Answers a request. A value is answered before the turn of the event loop ends, as a rule at once; a promise when it resolves.
   * @throws RequestError to answer with a ReplyError; anything else becomes a ReplyInternalError and is logged.
   */
  request(connection: WebwireConnection, message: Message): Payload | Promise<Payload>;
  /** Handles a signal. What it throws is logged. */
  signal(connection: WebwireConnection, message: Message): void | Promise<void>;
  /**
   * Decides whether a client may connect. Absent if nobody objects.
   * @throws HandshakeRejection if it may not; anything else is logged and answered with HTTP status 500.
   */
  authorize?(handshake: Handshake): Promise<void>;
  /** A connection opened; its AcceptConf is already on the way. What it throws is logged. */
  connected(connection: WebwireConnection): void | Promise<void>;
  /** A connection ended. What it throws is logged; a shutdown waits for its promise. */
  disconnected(connection: WebwireConnection, reason: DisconnectReason): void | Promise<void>;
}
