export { BufferOverflowError, InvalidOptionError, RequestError } from '../protocol/errors.js';
export { ProtocolError } from '../protocol/index.js';

// Each class sets `name` and `code` itself, because minifiers rename classes and programs match codes.

/** The handler of a request failed. The server does not send the cause; it is in the log of the server. */
export class InternalServerError extends Error {
  override readonly name = 'InternalServerError';
  readonly code = 'INTERNAL_SERVER_ERROR';

  constructor(message = 'internal server error', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** The server is shutting down and did not handle the request. */
export class ServerShutdownError extends Error {
  override readonly name = 'ServerShutdownError';
  readonly code = 'SERVER_SHUTDOWN';

  constructor(message = 'server shutdown', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** The server has no session with this key (docs/PROTOCOL.md, section 6). */
export class SessionNotFoundError extends Error {
  override readonly name = 'SessionNotFoundError';
  readonly code = 'SESSION_NOT_FOUND';

  constructor(message = 'session not found', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** The session already has the maximum number of connections that the server allows. */
export class MaxSessionConnectionsReachedError extends Error {
  override readonly name = 'MaxSessionConnectionsReachedError';
  readonly code = 'MAX_SESSION_CONNECTIONS_REACHED';

  constructor(message = 'max session connections reached', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** Sessions are disabled on the server. */
export class SessionsDisabledError extends Error {
  override readonly name = 'SessionsDisabledError';
  readonly code = 'SESSIONS_DISABLED';

  constructor(message = 'sessions disabled', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** There was no reply within the timeout. If there was no connection to send the request on, `cause` is the reason. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'TIMEOUT';

  constructor(message = 'timeout', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** There was no reply before the deadline. If there was no connection to send the request on, `cause` is the reason. */
export class DeadlineExceededError extends Error {
  override readonly name = 'DeadlineExceededError';
  readonly code = 'DEADLINE_EXCEEDED';

  constructor(message = 'deadline exceeded', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** An `AbortSignal` was aborted; `cause` is its reason. */
export class CanceledError extends Error {
  override readonly name = 'CanceledError';
  readonly code = 'CANCELED';

  constructor(message = 'canceled', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/**
 * The connection could not be made or was lost, or the client was closed. The message contains the URL (without secrets), the
 * duration of the connection or attempt, and the reason. If a request was in flight, the server may or may not have handled it.
 */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
  readonly code = 'DISCONNECTED';
  /**
   * HTTP status if the server rejected the upgrade, such as 401; otherwise `undefined`. Also `undefined` in browsers and with
   * the WebSocket of Node.js, which do not expose it; the package `ws`, Bun and Deno do.
   */
  readonly status: number | undefined;

  /**
   * @param closeCode WebSocket close code; 1006 for a broken or failed connection, `undefined` if the client ended it.
   * @param reason Reason in the close frame of the server, unchecked; often empty.
   */
  constructor(
    message: string,
    readonly closeCode?: number,
    readonly reason = '',
    options: { cause?: unknown; status?: number | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status;
  }
}

/** The server did not open the connection and send its first message within `dialTimeout`. */
export class DialTimeoutError extends Error {
  override readonly name = 'DialTimeoutError';
  readonly code = 'DIAL_TIMEOUT';

  constructor(message = 'dial timeout', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** The server uses another major version of the protocol. The client does not try again. */
export class IncompatibleProtocolVersionError extends Error {
  override readonly name = 'IncompatibleProtocolVersionError';
  readonly code = 'INCOMPATIBLE_PROTOCOL_VERSION';

  constructor(message = 'incompatible protocol version', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** The server's sub-protocol is not that of the option `subProtocolName`. The client does not try again. */
export class SubProtocolMismatchError extends Error {
  override readonly name = 'SubProtocolMismatchError';
  readonly code = 'SUB_PROTOCOL_MISMATCH';

  constructor(message = 'sub-protocol mismatch', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** A request or signal was rejected because `maxQueuedRequests` others already wait for a connection. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
  readonly code = 'QUEUE_FULL';

  constructor(message = 'too many requests wait for a connection', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** Returns true for a `TimeoutError` and a `DeadlineExceededError`. */
export function isTimeout(error: unknown): error is TimeoutError | DeadlineExceededError {
  return error instanceof TimeoutError || error instanceof DeadlineExceededError;
}
