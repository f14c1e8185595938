// Errors of servers and clients alike. Each class is defined once, so that `instanceof` holds for errors of every entry point.

/**
 * A failure that the handler of a request chooses to report (PROTOCOL.md, section 5). A handler throws it, the client gets a
 * ReplyError with this code and message, and `client.request()` rejects with it.
 *
 * @example throw new RequestError('WRONG_CREDENTIALS', 'Incorrect username or password, try again');
 */
export class RequestError extends Error {
  override readonly name = 'RequestError';

  /**
   * @param code Stable, for programs to match: 1 to 255 printable ASCII characters. A server logs a code that breaks this
   *   rule, and sends a ReplyInternalError instead.
   * @param message For people; UTF-8 on the wire; may be empty.
   */
  constructor(
    readonly code: string,
    message = '',
  ) {
    super(message);
  }

  /** Code and message, as `WsException.getError()` of Nest returns them. */
  getError(): { code: string; message: string } {
    return { code: this.code, message: this.message };
  }

  /**
   * Error trackers take an exception that has this property, or `initMessage()` beside `getError()`, for a failure that the
   * application intends, as Nest's exceptions are, and do not report it.
   * @internal
   */
  get error(): { code: string; message: string } {
    return this.getError();
  }

  /** @internal */
  initMessage(): void {}
}

/** A message is larger than the message buffer of the connection (PROTOCOL.md, section 4), and was not sent. */
export class BufferOverflowError extends Error {
  override readonly name = 'BufferOverflowError';
  readonly code = 'BUFFER_OVERFLOW';

  /**
   * @param length Size of the message, in bytes.
   * @param messageBufferSize Size of the buffer that the server announced, in bytes. It limits both directions.
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

/** An option has a value that cannot be used. The message names the option, the value and the allowed values. */
export class InvalidOptionError extends Error {
  override readonly name = 'InvalidOptionError';
  readonly code = 'INVALID_OPTION';
}
