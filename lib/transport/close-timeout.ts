/** How long a peer may take to answer the closing of a connection, in milliseconds, before it is cut off. */
export const CLOSE_TIMEOUT = 2_000;
