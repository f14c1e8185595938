/** The reason why a session operation failed. The codes are stable. */
export type SessionErrorCode =
  /** Sessions are switched off: `sessions: false`. */
  | 'SESSIONS_DISABLED'
  /** The connection already has a session. */
  | 'SESSION_ACTIVE'
  /** The connection is gone. */
  | 'CONNECTION_CLOSED'
  /** JSON cannot express the info, the session is too large to be stored, or a time is not one of RFC 3339. */
  | 'INVALID_SESSION_INFO'
  /** The key generator made no key in time, one that is not allowed or cannot be stored, or one that is in use. */
  | 'INVALID_SESSION_KEY'
  /** The session manager failed or did not answer in time; the cause is in the log, without keys. */
  | 'SESSION_STORE_FAILED'
  /** The cluster cannot be reached, so that the connections of the other nodes are not known. */
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
