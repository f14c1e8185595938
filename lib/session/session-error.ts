/** Why a session operation was refused. The codes are stable. */
export type SessionErrorCode =
  /** Sessions are switched off: `sessions: false`. */
  | 'SESSIONS_DISABLED'
  /** The connection already has a session. */
  | 'SESSION_ACTIVE'
  /** The connection is gone. */
  | 'CONNECTION_CLOSED'
  /** The info is not an object of JSON values. */
  | 'INVALID_SESSION_INFO'
  /** The key generator returned what cannot be a key, or the key of a session that is active. */
  | 'INVALID_SESSION_KEY'
  /** The session store failed; the cause is in the log of the process, without keys. */
  | 'SESSION_STORE_FAILED'
  /** What connects the nodes cannot be reached, so that nobody knows what the other nodes have. */
  | 'CLUSTER_UNAVAILABLE';

/** A session operation that failed. Neither its message nor its stack holds a session key. */
export class SessionError extends Error {
  override readonly name = 'SessionError';

  constructor(
    readonly code: SessionErrorCode,
    message: string,
  ) {
    super(message);
  }
}
