import type { SessionConnection } from './session-manager.js';

/** A connection that has a session. Operations on all connections of a session use only these members. */
export interface SessionMember {
  readonly connection: SessionConnection;
  /** Takes the session from the connection, and sends SessionClosed to its client. Does nothing if it has another one. */
  drop(key: string): void;
}
