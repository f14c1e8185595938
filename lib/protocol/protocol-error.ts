/**
 * The violation of a message. The codes are stable: match them, not the text of the error. The table in docs/PROTOCOL.md,
 * section 9, says which codes decoding and encoding raise.
 */
export type ProtocolErrorCode =
  /** A text frame was received; messages are binary. Raised by connections, not by the codec. */
  | 'TEXT_FRAME'
  /** A frame was received that is not valid in WebSocket. Raised by connections, not by the codec. */
  | 'INVALID_FRAME'
  /** Compressed data that cannot be inflated. Raised by connections, not by the codec. */
  | 'INVALID_COMPRESSION'
  /** A message in too many frames. Raised by connections, not by the codec. */
  | 'TOO_MANY_FRAGMENTS'
  /** A message without any bytes. */
  | 'EMPTY_MESSAGE'
  /** Longer than the receiver's message buffer, or a text field that is too long for a string. */
  | 'MESSAGE_TOO_LARGE'
  /** The type byte is not one of this protocol. */
  | 'UNKNOWN_TYPE'
  /** Shorter than the shortest message of its type. */
  | 'TRUNCATED'
  /** Longer than the exact length of its type. */
  | 'TRAILING_BYTES'
  /** The length of a name or an error code reaches past the end of the message. */
  | 'LENGTH_MISMATCH'
  /** A UTF-16 message or payload with an odd number of bytes. */
  | 'ODD_UTF16_LENGTH'
  /** A name, error code or session key with a character outside 32–126. */
  | 'INVALID_CHARACTER'
  /** A required field is empty: an error code, a session, a session key, or both name and payload. */
  | 'EMPTY_FIELD'
  /** A name or an error code of more than 255 bytes. */
  | 'FIELD_TOO_LONG'
  /** A field of a message to encode, or of a session, is missing, of the wrong type or out of range. */
  | 'INVALID_FIELD'
  /** A well-formed message that the server may not send, or not at this time. Raised by clients, not by the codec. */
  | 'UNEXPECTED_MESSAGE';

/**
 * The WebSocket close code after a violation: 1002 protocol error, 1003 unsupported data, 1007 invalid data, 1008 policy
 * violation, 1009 message too big.
 */
export type ProtocolErrorCloseCode = 1002 | 1003 | 1007 | 1008 | 1009;

/**
 * A message breaks the protocol. The decoder throws it for a received message. The encoder throws it for a message that must
 * not be sent; then nothing was sent, and the connection stays open.
 *
 * The text contains numbers but no content of the message, so it can be logged, and it fits a close frame (123 bytes).
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  /** The close code of the connection if the peer sent the message (docs/PROTOCOL.md, section 9). */
  readonly closeCode: ProtocolErrorCloseCode;

  constructor(
    readonly code: ProtocolErrorCode,
    message: string,
    /** Position of the violation, in bytes from the start of the message. For a truncated message, it is the length. */
    readonly offset: number,
  ) {
    super(message);
    this.closeCode = closeCodeOf(code);
  }
}

function closeCodeOf(code: ProtocolErrorCode): ProtocolErrorCloseCode {
  if (code === 'MESSAGE_TOO_LARGE') return 1009;
  if (code === 'TEXT_FRAME') return 1003;
  if (code === 'INVALID_COMPRESSION') return 1007;
  if (code === 'TOO_MANY_FRAGMENTS') return 1008;
  return 1002;
}
