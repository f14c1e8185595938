/** The close code of a connection that ended without a close frame of the peer (RFC 6455, section 7.4.1). */
export const ABNORMAL = 1006;
