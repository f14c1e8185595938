import type { Payload } from '../../protocol/index.js';
import type { DisconnectReason } from '../disconnect-reason.js';
import type { Handshake } from '../handshake.js';
import type { Message } from '../message.js';

/** The handler of a message, for tracing. */
export interface HandlerInfo {
  /** The gateway, by its option `name`, else its class. */
  readonly gateway: string;
  /** The name of the method. */
  readonly handler: string;
  /** The name in the decorator of the method; `undefined` for a fallback. */
  readonly route: string | undefined;
  readonly isStream: boolean;
}

/** The handlers and hooks of an application, as a server calls them. */
export interface Dispatcher<Connection> {
  /**
   * Handles a request.
   * @returns The reply. A value is sent in the same turn of the event loop, a promise when it resolves.
   * @throws RequestError, which the client gets as a ReplyError. The client gets any other error as a ReplyInternalError
   *   without details; the server logs it.
   */
  request(connection: Connection, message: Message): Payload | Promise<Payload>;
  /**
   * Returns true if the replies to requests of this name are streams, which `request()` opens with `connection.openStream()`.
   * Absent if there are none. Called only at the limit of handlers, for which streams do not count.
   */
  isStream?(name: string): boolean;
  /** The handler that takes a message, if there is one. Called only for messages that are traced. */
  handlerOf?(message: Message): HandlerInfo | undefined;
  /** Handles a signal. The server logs errors. */
  signal(connection: Connection, message: Message): void | Promise<void>;
  /**
   * Decides whether a client may connect. Absent if every client may.
   * @throws HandshakeRejection if the client may not connect. The server logs any other error; the client gets HTTP
   *   status 500.
   */
  authorize?: ((handshake: Handshake) => Promise<void>) | undefined;
  /** Called when a connection has opened, after its AcceptConf was sent. The server logs errors. */
  connected(connection: Connection): void | Promise<void>;
  /** Called when a connection has ended. The server logs errors; a shutdown waits for the promise. */
  disconnected(connection: Connection, reason: DisconnectReason): void | Promise<void>;
}
