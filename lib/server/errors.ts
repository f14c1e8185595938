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
    super(
      `a message of ${length} bytes does not fit the message buffer of ${messageBufferSize} bytes: ` +
        'send less at once, or raise the option messageBufferSize of WebwireModule or of the gateway',
    );
  }
}
