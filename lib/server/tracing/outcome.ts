/**
 * The result of a message:
 *
 * - `replied`: the handler succeeded, and its reply was sent; a stream has ended.
 * - `handled`: the handler of a signal succeeded.
 * - `refused`: the client got an error with a code, or the handler of a signal failed with such an error. Also for messages that
 *   no handler takes.
 * - `failed`: the handler failed with another error, and the client got no details.
 * - `canceled`: the client gave the request up, and its handler may still run.
 * - `connection-lost`: the connection ended before the reply, for whatever reason except a shutdown. The handler may still run.
 * - `shutdown`: the message was not handled, or its handler was not waited for, because the server shuts down.
 */
export type MessageOutcome = 'replied' | 'handled' | 'refused' | 'failed' | 'canceled' | 'connection-lost' | 'shutdown';

/** Gets the outcome of one message. Calls after the first one do nothing. None of the methods throws. */
export interface OutcomeListener {
  /** @param error The error of the handler, or the one that the client gets. */
  settle(outcome: MessageOutcome, error?: unknown): void;
  /** The connection is gone. */
  lost(): void;
}
