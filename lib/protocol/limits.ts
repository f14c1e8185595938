/** Major version of the protocol; a client refuses a server that announces another (PROTOCOL.md, section 4). */
export const PROTOCOL_MAJOR_VERSION = 2;

/** Minor version of the protocol. */
export const PROTOCOL_MINOR_VERSION = 0;

/** Silence, in milliseconds, after which a server closes a connection unless configured otherwise (section 7). */
export const DEFAULT_READ_TIMEOUT = 60_000;

/**
 * Longest message, in bytes, that either side takes unless configured otherwise (section 4). The Go client insists
 * on exactly this value.
 */
export const DEFAULT_MESSAGE_BUFFER_SIZE = 8_192;

/** Smallest message buffer, in bytes, that a server may announce (section 4). */
export const MIN_MESSAGE_BUFFER_SIZE = 32;

/** Length, in bytes, of the identifier that ties a reply to its request (section 1). */
export const IDENTIFIER_LENGTH = 8;

/** Longest name of a request or signal, in bytes: its length is written in one byte (section 2). */
export const MAX_NAME_LENGTH = 255;

/** Longest code of an error reply, in bytes: its length is written in one byte (section 2). */
export const MAX_ERROR_CODE_LENGTH = 255;

/** Largest number that fits the read timeout (ms) and the buffer size (bytes) in AcceptConf (section 4). */
export const MAX_UINT32 = 0xffff_ffff;

/**
 * Longest text field, in bytes, that is made into a string: the message of an error reply, the name of a
 * sub-protocol, a session key. Engines refuse longer strings with errors of their own, so decoding stops well before
 * that. Only of interest where no message buffer bounds the message first (section 9).
 */
export const MAX_TEXT_FIELD_LENGTH = 128 * 1024 * 1024;
