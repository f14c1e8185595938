import * as bytes from './type-bytes.js';

/** The first byte of every message: its type and, if it has a payload, the encoding (docs/PROTOCOL.md, section 2). */
export const MessageType = {
  ReplyError: bytes.ReplyError,
  ReplyShutdown: bytes.ReplyShutdown,
  ReplyInternalError: bytes.ReplyInternalError,
  ReplySessionNotFound: bytes.ReplySessionNotFound,
  ReplyMaxSessionConnectionsReached: bytes.ReplyMaxSessionConnectionsReached,
  ReplySessionsDisabled: bytes.ReplySessionsDisabled,
  SessionCreated: bytes.SessionCreated,
  SessionClosed: bytes.SessionClosed,
  AcceptConf: bytes.AcceptConf,
  RequestCloseSession: bytes.RequestCloseSession,
  RequestRestoreSession: bytes.RequestRestoreSession,
  Heartbeat: bytes.Heartbeat,
  SignalBinary: bytes.SignalBinary,
  SignalUtf8: bytes.SignalUtf8,
  SignalUtf16: bytes.SignalUtf16,
  RequestBinary: bytes.RequestBinary,
  RequestUtf8: bytes.RequestUtf8,
  RequestUtf16: bytes.RequestUtf16,
  ReplyBinary: bytes.ReplyBinary,
  ReplyUtf8: bytes.ReplyUtf8,
  ReplyUtf16: bytes.ReplyUtf16,
} as const;

export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** The types of replies that contain only the identifier of the request (types 1 to 5). */
export type StatusReplyType =
  | typeof MessageType.ReplyShutdown
  | typeof MessageType.ReplyInternalError
  | typeof MessageType.ReplySessionNotFound
  | typeof MessageType.ReplyMaxSessionConnectionsReached
  | typeof MessageType.ReplySessionsDisabled;

/** The types of a signal, one for each payload encoding. */
export type SignalType =
  typeof MessageType.SignalBinary | typeof MessageType.SignalUtf8 | typeof MessageType.SignalUtf16;

/** The types of a request, one for each payload encoding. */
export type RequestType =
  typeof MessageType.RequestBinary | typeof MessageType.RequestUtf8 | typeof MessageType.RequestUtf16;

/** The types of a reply with a payload, one for each payload encoding. */
export type ReplyType = typeof MessageType.ReplyBinary | typeof MessageType.ReplyUtf8 | typeof MessageType.ReplyUtf16;
