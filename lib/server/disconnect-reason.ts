/**
 * The reason why a connection ended, as `handleDisconnect` gets it:
 *
 * - `client-close`: the client closed it.
 * - `connection-lost`: it broke without a closing handshake.
 * - `violation`: the client broke the protocol (docs/PROTOCOL.md, section 9).
 * - `rate-limit`: the client sent more messages than `rateLimit` allows, although they were refused.
 * - `read-timeout`: nothing arrived from the client for `readTimeout`.
 * - `backlog`: more than `maxBufferedAmount` bytes of signals waited for the client, or it took no data for `readTimeout`.
 * - `server-close`: the application closed it with `connection.close()`.
 * - `shutdown`: the server shut down.
 */
export type DisconnectReason =
  | 'client-close'
  | 'connection-lost'
  | 'violation'
  | 'rate-limit'
  | 'read-timeout'
  | 'backlog'
  | 'server-close'
  | 'shutdown';
