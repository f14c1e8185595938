/** An error of the peer that ends reading. Each one has a WebSocket close code (RFC 6455, section 7.4.1). */
export type FrameErrorCode =
  /** 1002: a frame violates RFC 6455 or the extension in use. */
  | 'INVALID_FRAME'
  /** 1007: the data of a compressed message cannot be inflated (RFC 7692, section 7.2.2). */
  | 'INVALID_COMPRESSION'
  /** 1008: a message consists of more frames than the reader accepts. */
  | 'TOO_MANY_FRAGMENTS'
  /** 1009: a message is longer than the reader accepts, before or after it is inflated. */
  | 'MESSAGE_TOO_LARGE';
