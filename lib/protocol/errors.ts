// Errors of servers and clients. Each class is defined once, so that `instanceof` works across entry points.

/**
 * A failure that the handler of a request reports to the client (docs/PROTOCOL.md, section 5). The handler throws it, the
 * server sends a ReplyError with this code and message, and `client.request()` rejects with the same error.
 *
 * @example throw new RequestError('WRONG_CREDENTIALS', 'Incorrect username or password, try again');
 */
export class RequestError extends Error {
  override readonly name = 'RequestError';

  /**
   * @param code Identifies the failure for programs: 1 to 255 printable ASCII characters. For any other code, the server logs an
   *   error and sends a ReplyInternalError.
   * @param message Explains the failure to people. It may be empty.
   */
  constructor(
    readonly code: string,
    message = '',
  ) {
    super(message);
  }

  /** Returns code and message, like `WsException.getError()` of Nest. */
  getError(): { code: string; message: string } {
    return { code: this.code, message: this.message };
  }

  /**
   * Makes error trackers ignore this exception. They ignore exceptions of Nest, which applications throw on purpose, and recognise
   * them by the property `error`, or by the methods `initMessage()` and `getError()`.
   * @internal
   */
  get error(): { code: string; message: string } {
    return this.getError();
  }

  /** @internal */
  initMessage(): void {}
}

/** A message was not sent because it is larger than the message buffer of the connection (docs/PROTOCOL.md, section 4). */
export class BufferOverflowError extends Error {
  override readonly name = 'BufferOverflowError';
  readonly code = 'BUFFER_OVERFLOW';

  /**
   * @param length Size of the message, in bytes.
   * @param messageBufferSize The server's option, in bytes. It limits the messages of both directions.
   */
  constructor(
    readonly length: number,
    readonly messageBufferSize: number,
  ) {
    super(
      `a message of ${length} bytes does not fit the message buffer of ${messageBufferSize} bytes; ` +
        `send less, or raise the server's option messageBufferSize`,
    );
  }
}

/** An option has an invalid value. The message names the option, the value and the allowed values. */
export class InvalidOptionError extends Error {
  override readonly name = 'InvalidOptionError';
  readonly code = 'INVALID_OPTION';
}
