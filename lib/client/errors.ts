export { ProtocolError } from '../protocol/index.js';

/** The handler of a request reported a failure: a code for programs, a message for people (PROTOCOL.md, section 5). */
export class RequestError extends Error {
  override readonly name = 'RequestError';

  /**
   * @param code Chosen by the server: 1 to 255 printable ASCII characters.
   * @param message Chosen by the server, may be empty.
   */
  constructor(
    readonly code: string,
    message = '',
  ) {
    super(message);
  }
}

/** The handler of a request failed in a way that the server does not tell about. Its log says more. */
export class InternalServerError extends Error {
  override readonly name = 'InternalServerError';
  readonly code = 'INTERNAL_SERVER_ERROR';
}

/** The server is shutting down: it did not handle the request. */
export class ServerShutdownError extends Error {
  override readonly name = 'ServerShutdownError';
  readonly code = 'SERVER_SHUTDOWN';
}

/** The server does not know the session (PROTOCOL.md, section 6). */
export class SessionNotFoundError extends Error {
  override readonly name = 'SessionNotFoundError';
  readonly code = 'SESSION_NOT_FOUND';
}

/** The session is active on as many connections as it may be. */
export class MaxSessionConnectionsReachedError extends Error {
  override readonly name = 'MaxSessionConnectionsReachedError';
  readonly code = 'MAX_SESSION_CONNECTIONS_REACHED';
}

/** The server has no sessions. */
export class SessionsDisabledError extends Error {
  override readonly name = 'SessionsDisabledError';
  readonly code = 'SESSIONS_DISABLED';
}

/** No answer came within the timeout. `cause` says why there is no connection, if that is the reason. */
export class TimeoutError extends Error {
  override readonly name = 'TimeoutError';
  readonly code = 'TIMEOUT';
}

/** No answer came before the deadline. `cause` says why there is no connection, if that is the reason. */
export class DeadlineExceededError extends Error {
  override readonly name = 'DeadlineExceededError';
  readonly code = 'DEADLINE_EXCEEDED';
}

/** An `AbortSignal` was aborted; `cause` is its reason. */
export class CanceledError extends Error {
  override readonly name = 'CanceledError';
  readonly code = 'CANCELED';
}

/**
 * There is no connection: it could not be made, was lost, or the client was closed. Whether the server handled a request
 * that was in flight is not known.
 */
export class DisconnectedError extends Error {
  override readonly name = 'DisconnectedError';
  readonly code = 'DISCONNECTED';
  /** WebSocket close code; 1006 if the connection broke or never came about, `undefined` if the client ended it. */
  readonly closeCode: number | undefined;
  /** What the server gave as the reason of closing, unchecked; often empty. */
  readonly reason: string;

  constructor(message: string, options: { closeCode?: number; reason?: string; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.closeCode = options.closeCode;
    this.reason = options.reason ?? '';
  }
}

/** The server did not open the connection, or did not say its first message, within `dialTimeout`. */
export class DialTimeoutError extends Error {
  override readonly name = 'DialTimeoutError';
  readonly code = 'DIAL_TIMEOUT';
}

/** The server speaks another major version of the protocol. Trying again is of no use. */
export class IncompatibleProtocolVersionError extends Error {
  override readonly name = 'IncompatibleProtocolVersionError';
  readonly code = 'INCOMPATIBLE_PROTOCOL_VERSION';
}

/** The server speaks another sub-protocol than the option `subProtocolName` says. Trying again is of no use. */
export class SubProtocolMismatchError extends Error {
  override readonly name = 'SubProtocolMismatchError';
  readonly code = 'SUB_PROTOCOL_MISMATCH';
}

/** A message that would not fit the server's buffer (PROTOCOL.md, section 4) and was therefore not sent. */
export class BufferOverflowError extends Error {
  override readonly name = 'BufferOverflowError';
  readonly code = 'BUFFER_OVERFLOW';

  /**
   * @param length Size of the refused message, in bytes.
   * @param messageBufferSize What the server accepts, in bytes.
   */
  constructor(
    readonly length: number,
    readonly messageBufferSize: number,
  ) {
    super(`a message of ${length} bytes does not fit the message buffer of ${messageBufferSize} bytes`);
  }
}

/** An option that cannot be used. Thrown by the constructor of the client, and by what takes options. */
export class InvalidOptionError extends Error {
  override readonly name = 'InvalidOptionError';
  readonly code = 'INVALID_OPTION';
}

/** Whether an error says that time ran out: a `TimeoutError` or a `DeadlineExceededError`. */
export function isTimeout(error: unknown): error is TimeoutError | DeadlineExceededError {
  return error instanceof TimeoutError || error instanceof DeadlineExceededError;
}
