export { ProtocolError } from '../protocol/index.js';

/** An error with a stable code, for programs to match. */
interface CodedError<Code extends string> extends Error {
  readonly code: Code;
}

type CodedErrorClass<Code extends string> = new (message?: string, options?: { cause?: unknown }) => CodedError<Code>;

/**
 * Makes a class of errors. Unless told otherwise, its code is its name as constants are written, `SESSION_NOT_FOUND` for
 * `SessionNotFoundError`, and the message the same in words.
 *
 * @__NO_SIDE_EFFECTS__ for bundlers, which so leave out the classes that nobody uses
 */
function coded<Code extends string>(
  name: string,
  words = name.slice(0, -5).replace(/\B[A-Z]/g, ' $&'),
): CodedErrorClass<Code> {
  return class extends Error implements CodedError<Code> {
    override readonly name = name;
    readonly code = words.replaceAll(' ', '_').toUpperCase() as Code;

    constructor(message = words.toLowerCase(), options?: { cause?: unknown }) {
      super(message, options);
    }
  };
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
export class InternalServerError extends coded<'INTERNAL_SERVER_ERROR'>(
  'InternalServerError',
  'Internal server error',
) {}

/** The server is shutting down: it did not handle the request. */
export class ServerShutdownError extends coded<'SERVER_SHUTDOWN'>('ServerShutdownError') {}

/** The server does not know the session (PROTOCOL.md, section 6). */
export class SessionNotFoundError extends coded<'SESSION_NOT_FOUND'>('SessionNotFoundError') {}

/** The session is active on as many connections as it may be. */
export class MaxSessionConnectionsReachedError extends coded<'MAX_SESSION_CONNECTIONS_REACHED'>(
  'MaxSessionConnectionsReachedError',
) {}

/** The server has no sessions. */
export class SessionsDisabledError extends coded<'SESSIONS_DISABLED'>('SessionsDisabledError') {}

/** No answer came within the timeout. `cause` says why there is no connection, if that is the reason. */
export class TimeoutError extends coded<'TIMEOUT'>('TimeoutError') {}

/** No answer came before the deadline. `cause` says why there is no connection, if that is the reason. */
export class DeadlineExceededError extends coded<'DEADLINE_EXCEEDED'>('DeadlineExceededError') {}

/** An `AbortSignal` was aborted; `cause` is its reason. */
export class CanceledError extends coded<'CANCELED'>('CanceledError') {}

/**
 * There is no connection: it could not be made, was lost, or the client was closed. Whether the server handled a request
 * that was in flight is not known.
 */
export class DisconnectedError extends coded<'DISCONNECTED'>('DisconnectedError') {
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
    super(message, options);
  }
}

/** The server did not open the connection, or did not say its first message, within `dialTimeout`. */
export class DialTimeoutError extends coded<'DIAL_TIMEOUT'>('DialTimeoutError') {}

/** The server speaks another major version of the protocol. Trying again is of no use. */
export class IncompatibleProtocolVersionError extends coded<'INCOMPATIBLE_PROTOCOL_VERSION'>(
  'IncompatibleProtocolVersionError',
) {}

/** The server speaks another sub-protocol than the option `subProtocolName` says. Trying again is of no use. */
export class SubProtocolMismatchError extends coded<'SUB_PROTOCOL_MISMATCH'>('SubProtocolMismatchError') {}

/** A message that would not fit the server's buffer (PROTOCOL.md, section 4) and was therefore not sent. */
export class BufferOverflowError extends coded<'BUFFER_OVERFLOW'>('BufferOverflowError') {
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
export class InvalidOptionError extends coded<'INVALID_OPTION'>('InvalidOptionError') {}

/** Whether an error says that time ran out: a `TimeoutError` or a `DeadlineExceededError`. */
export function isTimeout(error: unknown): error is TimeoutError | DeadlineExceededError {
  return error instanceof TimeoutError || error instanceof DeadlineExceededError;
}
