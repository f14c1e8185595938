export { ProtocolError } from '../protocol/index.js';

type Rest = [message?: string, options?: { cause?: unknown }];

/**
 * An error with a stable code, for programs to match. Unless told otherwise, the code is the name as constants are written,
 * `SESSION_NOT_FOUND` for `SessionNotFoundError`, and the message the same in words.
 */
class CodedError extends Error {
  readonly code: string;

  constructor(name: string, message?: string, options?: { cause?: unknown }) {
    const words = name.slice(0, -5).replace(/\B[A-Z]/g, ' $&');
    super(message ?? words.toLowerCase(), options);
    this.name = name;
    this.code = words.replaceAll(' ', '_').toUpperCase();
  }
}

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
export class InternalServerError extends CodedError {
  override readonly code = 'INTERNAL_SERVER_ERROR';

  constructor(message = 'internal server error', options?: { cause?: unknown }) {
    super('InternalServerError', message, options);
  }
}

/** The server is shutting down: it did not handle the request. */
export class ServerShutdownError extends CodedError {
  declare readonly code: 'SERVER_SHUTDOWN';

  constructor(...rest: Rest) {
    super('ServerShutdownError', ...rest);
  }
}

/** The server does not know the session (PROTOCOL.md, section 6). */
export class SessionNotFoundError extends CodedError {
  declare readonly code: 'SESSION_NOT_FOUND';

  constructor(...rest: Rest) {
    super('SessionNotFoundError', ...rest);
  }
}

/** The session is active on as many connections as it may be. */
export class MaxSessionConnectionsReachedError extends CodedError {
  declare readonly code: 'MAX_SESSION_CONNECTIONS_REACHED';

  constructor(...rest: Rest) {
    super('MaxSessionConnectionsReachedError', ...rest);
  }
}

/** The server has no sessions. */
export class SessionsDisabledError extends CodedError {
  declare readonly code: 'SESSIONS_DISABLED';

  constructor(...rest: Rest) {
    super('SessionsDisabledError', ...rest);
  }
}

/** No answer came within the timeout. `cause` says why there is no connection, if that is the reason. */
export class TimeoutError extends CodedError {
  declare readonly code: 'TIMEOUT';

  constructor(...rest: Rest) {
    super('TimeoutError', ...rest);
  }
}

/** No answer came before the deadline. `cause` says why there is no connection, if that is the reason. */
export class DeadlineExceededError extends CodedError {
  declare readonly code: 'DEADLINE_EXCEEDED';

  constructor(...rest: Rest) {
    super('DeadlineExceededError', ...rest);
  }
}

/** An `AbortSignal` was aborted; `cause` is its reason. */
export class CanceledError extends CodedError {
  declare readonly code: 'CANCELED';

  constructor(...rest: Rest) {
    super('CanceledError', ...rest);
  }
}

/**
 * There is no connection: it could not be made, was lost, or the client was closed. Whether the server handled a request
 * that was in flight is not known.
 */
export class DisconnectedError extends CodedError {
  declare readonly code: 'DISCONNECTED';

  /**
   * @param closeCode Of the WebSocket; 1006 if the connection broke or never came about, `undefined` if the client ended it.
   * @param reason What the server gave as the reason of closing, unchecked; often empty.
   */
  constructor(
    message: string,
    readonly closeCode?: number,
    readonly reason = '',
    options?: { cause?: unknown },
  ) {
    super('DisconnectedError', message, options);
  }
}

/** The server did not open the connection, or did not say its first message, within `dialTimeout`. */
export class DialTimeoutError extends CodedError {
  declare readonly code: 'DIAL_TIMEOUT';

  constructor(...rest: Rest) {
    super('DialTimeoutError', ...rest);
  }
}

/** The server speaks another major version of the protocol. Trying again is of no use. */
export class IncompatibleProtocolVersionError extends CodedError {
  declare readonly code: 'INCOMPATIBLE_PROTOCOL_VERSION';

  constructor(...rest: Rest) {
    super('IncompatibleProtocolVersionError', ...rest);
  }
}

/** The server speaks another sub-protocol than the option `subProtocolName` says. Trying again is of no use. */
export class SubProtocolMismatchError extends CodedError {
  declare readonly code: 'SUB_PROTOCOL_MISMATCH';

  constructor(...rest: Rest) {
    super('SubProtocolMismatchError', ...rest);
  }
}

/** A message that would not fit the server's buffer (PROTOCOL.md, section 4) and was therefore not sent. */
export class BufferOverflowError extends CodedError {
  declare readonly code: 'BUFFER_OVERFLOW';

  /**
   * @param length Size of the refused message, in bytes.
   * @param messageBufferSize What the server accepts, in bytes.
   */
  constructor(
    readonly length: number,
    readonly messageBufferSize: number,
  ) {
    super('BufferOverflowError', `${length} bytes exceed ${messageBufferSize}`);
  }
}

/** An option that cannot be used. Thrown by the constructor of the client, and by what takes options. */
export class InvalidOptionError extends CodedError {
  declare readonly code: 'INVALID_OPTION';

  constructor(...rest: Rest) {
    super('InvalidOptionError', ...rest);
  }
}

/** Whether an error says that time ran out: a `TimeoutError` or a `DeadlineExceededError`. */
export function isTimeout(error: unknown): error is TimeoutError | DeadlineExceededError {
  return error instanceof TimeoutError || error instanceof DeadlineExceededError;
}
