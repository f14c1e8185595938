/**
 * Why a connection ended, as `handleDisconnect` gets it:
 *
 * - `client-close`: the client closed it.
 * - `connection-lost`: it broke, without a closing handshake.
 * - `violation`: the client broke the protocol (PROTOCOL.md, section 9).
 * - `read-timeout`: nothing came from it for `readTimeout`.
 * - `backlog`: more than `maxBufferedAmount` of signals waited for it, or it took nothing of what waited for `readTimeout`.
 * - `server-close`: the application closed it with `connection.close()`.
 * - `shutdown`: the server shut down.
 */
export type DisconnectReason =
  'client-close' | 'connection-lost' | 'violation' | 'read-timeout' | 'backlog' | 'server-close' | 'shutdown';
