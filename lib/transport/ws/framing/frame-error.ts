/** The mistake of a peer for which reading ends. Each has its WebSocket close code (RFC 6455, section 7.4.1). */
export type FrameErrorCode =
  /** 1002: a frame breaks the rules of RFC 6455, or of the extension in use. */
  | 'INVALID_FRAME'
  /** 1007: the data of a compressed message cannot be inflated (RFC 7692, section 7.2.2). */
  | 'INVALID_COMPRESSION'
  /** 1008: a message comes in more frames than the reader accepts. */
  | 'TOO_MANY_FRAGMENTS'
  /** 1009: a message is longer than the reader accepts, as it is sent or once it is inflated. */
  | 'MESSAGE_TOO_LARGE';
