/** The first byte of every message: what it is, and for payloads their encoding (PROTOCOL.md, section 2). */
export const MessageType = {
  ReplyError: 0,
  ReplyShutdown: 1,
  ReplyInternalError: 2,
  ReplySessionNotFound: 3,
  ReplyMaxSessionConnectionsReached: 4,
  ReplySessionsDisabled: 5,
  SessionCreated: 21,
  SessionClosed: 22,
  AcceptConf: 23,
  RequestCloseSession: 31,
  RequestRestoreSession: 32,
  Heartbeat: 33,
  SignalBinary: 63,
  SignalUtf8: 64,
  SignalUtf16: 65,
  RequestBinary: 127,
  RequestUtf8: 128,
  RequestUtf16: 129,
  ReplyBinary: 191,
  ReplyUtf8: 192,
  ReplyUtf16: 193,
} as const;

export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** The types of a reply that carries nothing but the identifier of its request (types 1 to 5). */
export type StatusReplyType =
  | typeof MessageType.ReplyShutdown
  | typeof MessageType.ReplyInternalError
  | typeof MessageType.ReplySessionNotFound
  | typeof MessageType.ReplyMaxSessionConnectionsReached
  | typeof MessageType.ReplySessionsDisabled;

export type SignalType =
  typeof MessageType.SignalBinary | typeof MessageType.SignalUtf8 | typeof MessageType.SignalUtf16;

export type RequestType =
  typeof MessageType.RequestBinary | typeof MessageType.RequestUtf8 | typeof MessageType.RequestUtf16;

export type ReplyType = typeof MessageType.ReplyBinary | typeof MessageType.ReplyUtf8 | typeof MessageType.ReplyUtf16;
