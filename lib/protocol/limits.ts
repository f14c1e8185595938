/** Major version of the protocol. A client disconnects from a server that announces another one (docs/PROTOCOL.md, section 4). */
export const PROTOCOL_MAJOR_VERSION = 2;

/** Minor version of the protocol. */
export const PROTOCOL_MINOR_VERSION = 0;

/** Default read timeout of a server, in milliseconds: it closes a connection that is silent for so long (section 7). */
export const DEFAULT_READ_TIMEOUT = 60_000;

/**
 * Default size of the message buffer, in bytes: the longest message that either side accepts (section 4). The Go client
 * accepts only this value.
 */
export const DEFAULT_MESSAGE_BUFFER_SIZE = 8_192;

/** Smallest message buffer, in bytes, that a server may announce (section 4). */
export const MIN_MESSAGE_BUFFER_SIZE = 32;

/** Length, in bytes, of the identifier that matches a reply with its request (section 1). */
export const IDENTIFIER_LENGTH = 8;

/** Longest name of a request or signal, in bytes: its length is written in one byte (section 2). */
export const MAX_NAME_LENGTH = 255;

/** Longest code of an error reply, in bytes: its length is written in one byte (section 2). */
export const MAX_ERROR_CODE_LENGTH = 255;

/** Largest read timeout (ms) and message buffer size (bytes) that AcceptConf can hold (section 4). */
export const MAX_UINT32 = 0xffff_ffff;

/**
 * Longest text field that is decoded into a string, in bytes: the message of an error reply, the name of a sub-protocol, a
 * session key. JavaScript engines throw their own errors for strings that are too long, so the limit is below theirs. It
 * matters only without a message buffer size, which normally limits the message first (section 9).
 */
export const MAX_TEXT_FIELD_LENGTH = 128 * 1024 * 1024;

/** Longest delay of `setTimeout()` in browsers and Node.js, in milliseconds. */
export const TIMER_MAX = 0x7fff_ffff;

/**
 * Reason in the close frame of a server that shuts down after all its handlers have ended: it has handled no request that it did not
 * answer (section 8). The text is one that other servers, and earlier versions, do not send: they may have handled such requests.
 */
export const SHUTDOWN_REASON = 'server shutting down after all replies';
