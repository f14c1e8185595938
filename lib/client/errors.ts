export { BufferOverflowError, InvalidOptionError, RequestError } from '../protocol/errors.js';
export { ProtocolError } from '../protocol/index.js';

// Each class says its name and code itself: minifiers rename classes, and programs match codes.

/** The handler of a request failed in a way that the server keeps to itself. The log of the server says more. */
export class InternalServerError extends Error {
  override readonly name = 'InternalServerError';
  readonly code = 'INTERNAL_SERVER_ERROR';

  constructor(message = 'internal server error', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** The server is shutting down, and did not handle the request. */
export class ServerShutdownError extends Error {
  override readonly name = 'ServerShutdownError';
  readonly code = 'SERVER_SHUTDOWN';

  constructor(message = 'server shutdown', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** The server has no session with this key (PROTOCOL.md, section 6). */
export class SessionNotFoundError extends Error {
  override readonly name = 'SessionNotFoundError';
  readonly code = 'SESSION_NOT_FOUND';

  constructor(message = 'session not found', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** The session is active on as many connections as the server allows. */
export class MaxSessionConnectionsReachedError extends Error {
  override readonly name = 'MaxSessionConnectionsReachedError';
  readonly code = 'MAX_SESSION_CONNECTIONS_REACHED';

  constructor(message = 'max session connections reached', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** The server has sessions switched off. */
export class SessionsDisabledError extends Error {
  override readonly name = 'SessionsDisabledError';
  readonly code = 'SESSIONS_DISABLED';

  constructor(message = 'sessions disabled', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** No reply came within the timeout, or there was no connection to send the request on; then `cause` is why. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'TIMEOUT';

  constructor(message = 'timeout', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** No reply came before the deadline, or there was no connection to send the request on; then `cause` is why. */
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
 * There is no connection: it could not be made, was lost, or the client was closed. The message says to which URL (without
 * its secrets), after which time and why. For a request that was in flight, it is unknown if the server handled it.
 */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
  readonly code = 'DISCONNECTED';
  /**
   * HTTP status of a refused upgrade, such as 401. `undefined` if there was none, and on platforms that hide it: browsers
   * and the WebSocket of Node.js do, the package `ws`, Bun and Deno do not.
   */
  readonly status: number | undefined;

  /**
   * @param closeCode Of the WebSocket; 1006 if the connection broke or never came about, `undefined` if the client ended it.
   * @param reason The server's reason of closing, unchecked; often empty.
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

/** The server did not open the connection, or did not send its first message, within `dialTimeout`. */
export class DialTimeoutError extends Error {
  override readonly name = 'DialTimeoutError';
  readonly code = 'DIAL_TIMEOUT';

  constructor(message = 'dial timeout', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** The server speaks another major version of the protocol. Trying again is of no use. */
export class IncompatibleProtocolVersionError extends Error {
  override readonly name = 'IncompatibleProtocolVersionError';
  readonly code = 'INCOMPATIBLE_PROTOCOL_VERSION';

  constructor(message = 'incompatible protocol version', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** The server speaks another sub-protocol than the option `subProtocolName`. Trying again is of no use. */
export class SubProtocolMismatchError extends Error {
  override readonly name = 'SubProtocolMismatchError';
  readonly code = 'SUB_PROTOCOL_MISMATCH';

  constructor(message = 'sub-protocol mismatch', options?: { cause?: unknown }) {
    super(message, options);
  }
}

/** As many requests and signals as `maxQueuedRequests` allows wait for a connection already. This one was dropped. */
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
