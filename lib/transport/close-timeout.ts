/** Time that a peer has to take part in the closing of a connection, in milliseconds. Then the connection is cut. */
export const CLOSE_TIMEOUT = 2_000;
