/**
 * What is wrong with a message. The codes are stable: match on them, not on the text of the error.
 * PROTOCOL.md, section 9, says which of them decoding and encoding find.
 */
export type ProtocolErrorCode =
  /** The transport connection delivered a text frame; messages are binary. Raised by transport connections, never by the codec. */
  | 'TEXT_FRAME'
  /** The transport connection delivered a frame that breaks its own protocol. Raised by transport connections, never by the codec. */
  | 'INVALID_FRAME'
  /** Compressed data that cannot be inflated. Raised by transport connections, never by the codec. */
  | 'INVALID_COMPRESSION'
  /** A message in too many frames. Raised by transport connections, never by the codec. */
  | 'TOO_MANY_FRAGMENTS'
  /** A message of no bytes at all. */
  | 'EMPTY_MESSAGE'
  /** Longer than the receiver's message buffer, or with a text field too long for a string. */
  | 'MESSAGE_TOO_LARGE'
  /** The type byte names no message of this protocol. */
  | 'UNKNOWN_TYPE'
  /** Shorter than the shortest message of its type. */
  | 'TRUNCATED'
  /** Bytes follow a message that has an exact length. */
  | 'TRAILING_BYTES'
  /** The length of a name or an error code reaches past the end of the message. */
  | 'LENGTH_MISMATCH'
  /** A UTF-16 message or payload with an odd number of bytes. */
  | 'ODD_UTF16_LENGTH'
  /** A name, error code or session key with a character outside 32–126. */
  | 'INVALID_CHARACTER'
  /** Nothing where something is required: an error code, a session, a session key, or both name and payload. */
  | 'EMPTY_FIELD'
  /** A name or an error code of more than 255 bytes. */
  | 'FIELD_TOO_LONG'
  /** A field is missing, of the wrong type or outside its range: of a message to encode, or of a session. */
  | 'INVALID_FIELD'
  /** A well-formed message that may not come here, or not now. Raised by clients, never by the codec. */
  | 'UNEXPECTED_MESSAGE';

/**
 * WebSocket close code that ends a connection after a violation: protocol error, unsupported data, invalid data, policy
 * violation, too big.
 */
export type ProtocolErrorCloseCode = 1002 | 1003 | 1007 | 1008 | 1009;

/**
 * A message breaks the protocol. Thrown by the decoder for what a peer sent, and by the encoder for what must not be
 * sent; in the second case nothing has reached the peer and the connection is unharmed.
 *
 * The text holds numbers but no content of the message, so it may be logged, and it fits a close frame (123 bytes).
 */
export class ProtocolError extends Error {
  /** The close code that this violation leads to when a peer committed it (PROTOCOL.md, section 9). */
  readonly closeCode: ProtocolErrorCloseCode;

  constructor(
    readonly code: ProtocolErrorCode,
    message: string,
    /** Where in the message, in bytes from its start. A message that ends too early is wrong at its length. */
    readonly offset: number,
  ) {
    super(message);
    this.closeCode = closeCodeOf(code);
  }

  static {
    this.prototype.name = 'ProtocolError';
  }
}

function closeCodeOf(code: ProtocolErrorCode): ProtocolErrorCloseCode {
  if (code === 'MESSAGE_TOO_LARGE') return 1009;
  if (code === 'TEXT_FRAME') return 1003;
  if (code === 'INVALID_COMPRESSION') return 1007;
  if (code === 'TOO_MANY_FRAGMENTS') return 1008;
  return 1002;
}
