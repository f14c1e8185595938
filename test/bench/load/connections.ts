/** Connections to the server under load. */
export const CONNECTIONS = 50;
