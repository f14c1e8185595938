/** Most bytes of a close reason: a control frame has at most 125 (RFC 6455, section 5.5), two of which are the code. */
export const MAX_CLOSE_REASON_LENGTH = 123;
