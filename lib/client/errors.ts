export { BufferOverflowError, InvalidOptionError, RequestError } from '../protocol/errors.js';
export { ProtocolError } from '../protocol/index.js';

// Each class sets `name` and `code` itself, because minifiers rename classes and programs match codes.

/** An error with a stable code. By default, its message is the code in words. */
abstract class CodedError<Code extends string> extends Error {
  constructor(
    readonly code: Code,
    message: string = code.toLowerCase().replaceAll('_', ' '),
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The handler of a request failed. The server does not send the cause; it is in the log of the server. */
export class InternalServerError extends CodedError<'INTERNAL_SERVER_ERROR'> {
  override readonly name = 'InternalServerError';

  constructor(message?: string, options?: { cause?: unknown }) {
    super('INTERNAL_SERVER_ERROR', message, options);
  }
}

/**
 * The server is shutting down and did not handle the request, which can be sent again: it then waits for the next connection, unless
 * `reconnect` is `false`. If the server has closed the connection, `cause` is the `DisconnectedError`. A stream may have had items
 * before the server ended it with this error.
 */
export class ServerShutdownError extends CodedError<'SERVER_SHUTDOWN'> {
  override readonly name = 'ServerShutdownError';

  constructor(message?: string, options?: { cause?: unknown }) {
    super('SERVER_SHUTDOWN', message, options);
  }
}

/** The server has no session with this key (docs/PROTOCOL.md, section 6). */
export class SessionNotFoundError extends CodedError<'SESSION_NOT_FOUND'> {
  override readonly name = 'SessionNotFoundError';

  constructor(message?: string, options?: { cause?: unknown }) {
    super('SESSION_NOT_FOUND', message, options);
  }
}

/** The session already has the maximum number of connections that the server allows. */
export class MaxSessionConnectionsReachedError extends CodedError<'MAX_SESSION_CONNECTIONS_REACHED'> {
  override readonly name = 'MaxSessionConnectionsReachedError';

  constructor(message?: string, options?: { cause?: unknown }) {
    super('MAX_SESSION_CONNECTIONS_REACHED', message, options);
  }
}

/** Sessions are disabled on the server. */
export class SessionsDisabledError extends CodedError<'SESSIONS_DISABLED'> {
  override readonly name = 'SessionsDisabledError';

  constructor(message?: string, options?: { cause?: unknown }) {
    super('SESSIONS_DISABLED', message, options);
  }
}

/** There was no reply within the timeout. If there was no connection to send the request on, `cause` is the reason. */
export class TimeoutError extends CodedError<'TIMEOUT'> {
  override readonly name = 'TimeoutError';

  constructor(message?: string, options?: { cause?: unknown }) {
    super('TIMEOUT', message, options);
  }
}

/** There was no reply before the deadline. If there was no connection to send the request on, `cause` is the reason. */
export class DeadlineExceededError extends CodedError<'DEADLINE_EXCEEDED'> {
  override readonly name = 'DeadlineExceededError';

  constructor(message?: string, options?: { cause?: unknown }) {
    super('DEADLINE_EXCEEDED', message, options);
  }
}

/** An `AbortSignal` was aborted; `cause` is its reason. */
export class CanceledError extends CodedError<'CANCELED'> {
  override readonly name = 'CanceledError';

  constructor(message?: string, options?: { cause?: unknown }) {
    super('CANCELED', message, options);
  }
}

/**
 * The connection could not be made or was lost, or the client was closed. The message contains the URL (without secrets), the
 * duration of the connection or attempt, and the reason. If a request was in flight, the server may or may not have handled it.
 */
export class DisconnectedError extends CodedError<'DISCONNECTED'> {
  override readonly name = 'DisconnectedError';
  /**
   * HTTP status if the server rejected the upgrade, such as 401; otherwise `undefined`. Also `undefined` in browsers, in bundles
   * for browsers, and with the WebSocket of Node.js, which do not expose it; the package `ws`, Bun, Deno and React Native do.
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
    super('DISCONNECTED', message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = options.status;
  }
}

/** The server did not open the connection and send its first message within `dialTimeout`. */
export class DialTimeoutError extends CodedError<'DIAL_TIMEOUT'> {
  override readonly name = 'DialTimeoutError';

  constructor(message?: string, options?: { cause?: unknown }) {
    super('DIAL_TIMEOUT', message, options);
  }
}

/** The server uses another major version of the protocol. The client does not try again. */
export class IncompatibleProtocolVersionError extends CodedError<'INCOMPATIBLE_PROTOCOL_VERSION'> {
  override readonly name = 'IncompatibleProtocolVersionError';

  constructor(message?: string, options?: { cause?: unknown }) {
    super('INCOMPATIBLE_PROTOCOL_VERSION', message, options);
  }
}

/** The server's sub-protocol is not that of the option `subProtocolName`. The client does not try again. */
export class SubProtocolMismatchError extends CodedError<'SUB_PROTOCOL_MISMATCH'> {
  override readonly name = 'SubProtocolMismatchError';

  constructor(message?: string, options?: { cause?: unknown }) {
    super('SUB_PROTOCOL_MISMATCH', message, options);
  }
}

/**
 * A request or signal was rejected because `maxQueuedRequests` others already wait for a connection, or `signals()` ended because
 * `maxQueued` signals waited to be taken.
 */
export class QueueFullError extends CodedError<'QUEUE_FULL'> {
  override readonly name = 'QueueFullError';

  constructor(message?: string, options?: { cause?: unknown }) {
    super('QUEUE_FULL', message, options);
  }
}

/** Returns true for a `TimeoutError` and a `DeadlineExceededError`. */
export function isTimeout(error: unknown): error is TimeoutError | DeadlineExceededError {
  return error instanceof TimeoutError || error instanceof DeadlineExceededError;
}
