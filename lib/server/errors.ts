/**
 * A failure that a handler chooses to report: the client gets a ReplyError with this code and message
 * (PROTOCOL.md, section 5).
 *
 * @example throw new RequestError('WRONG_CREDENTIALS', 'Incorrect username or password, try again');
 */
export class RequestError extends Error {
  override readonly name = 'RequestError';

  /**
   * @param code Stable, for programs to match: 1 to 255 printable ASCII characters. A code that breaks this
   *   rule is logged, and the client gets a ReplyInternalError instead.
   * @param message For people; UTF-8 on the wire; may be empty.
   */
  constructor(
    readonly code: string,
    message = '',
  ) {
    super(message);
  }

  /** Code and message, as `WsException.getError()` gives them. */
  getError(): { code: string; message: string } {
    return { code: this.code, message: this.message };
  }

  /**
   * Error trackers take an exception that has this property, or this method beside `getError()`, for a failure that the
   * application intends, as Nest's exceptions are, and do not report it.
   * @internal
   */
  get error(): { code: string; message: string } {
    return this.getError();
  }

  /** @internal */
  initMessage(): void {}
}

/** A message that would not fit the client's buffer (`messageBufferSize`) and was therefore not sent. */
export class BufferOverflowError extends Error {
  override readonly name = 'BufferOverflowError';
  readonly code = 'BUFFER_OVERFLOW';

  /**
   * @param length Size of the refused message, in bytes.
   * @param messageBufferSize What the client accepts, in bytes.
   */
  constructor(
    readonly length: number,
    readonly messageBufferSize: number,
  ) {
    super(`a message of ${length} bytes does not fit the message buffer of ${messageBufferSize} bytes`);
  }
}
