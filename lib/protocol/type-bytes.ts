// The members of `MessageType` as separate constants. Bundlers inline them, which makes client bundles smaller and the switch
// statements of decoders faster. Import them with `import * as MessageType`.

export const ReplyError = 0;
export const ReplyShutdown = 1;
export const ReplyInternalError = 2;
export const ReplySessionNotFound = 3;
export const ReplyMaxSessionConnectionsReached = 4;
export const ReplySessionsDisabled = 5;
export const SessionCreated = 21;
export const SessionClosed = 22;
export const AcceptConf = 23;
export const RequestCloseSession = 31;
export const RequestRestoreSession = 32;
export const Heartbeat = 33;
export const SignalBinary = 63;
export const SignalUtf8 = 64;
export const SignalUtf16 = 65;
export const RequestBinary = 127;
export const RequestUtf8 = 128;
export const RequestUtf16 = 129;
export const ReplyBinary = 191;
export const ReplyUtf8 = 192;
export const ReplyUtf16 = 193;
