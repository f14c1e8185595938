/** The answer to a connection that asked to become a member of a session. */
export type MembershipResult =
  /** The connection is a member now. */
  | 'taken'
  /** The session has as many members as it may have. */
  | 'full'
  /** The session was closed: it is being destroyed or has been. */
  | 'closed';

/** The conditions for a new member. */
export interface MembershipRequest {
  /** Most connections that may have the session at once, on all nodes together; `Infinity` for any number. */
  readonly limit: number;
  /** True if the session is being created: it must have no members yet. */
  readonly isNew: boolean;
}

/** The result of closing a session on all nodes. */
export interface SessionClosing {
  /** The number of connections that had the session, on all nodes together. */
  readonly connections: number;
  /** True if this call closed the session, so that the caller has to destroy it. Never true for two calls. */
  readonly isLast: boolean;
}

/**
 * The connections that are members of sessions, on all nodes together. `session` is the digest of the session's key, which
 * is secret; `member` is the id of a connection, which is unique among all nodes. Methods that need an answer of the other
 * nodes reject with a SessionError `CLUSTER_UNAVAILABLE` if they get none.
 */
export interface SessionMembership {
  /**
   * Makes a connection a member. The limit holds even if several nodes do so at once. A connection that is a member already
   * is not counted twice. Resolves when signals to the session, and its closing, reach this node.
   * @returns `'full'` if the limit is reached, or if the session is new and another connection is a member already.
   */
  take(session: string, member: string, request: MembershipRequest): Promise<MembershipResult>;
  /** The connection is lost and no longer a member. Never rejects. */
  leave(session: string, member: string): Promise<void>;
  /**
   * The connection closes the session and is no longer a member.
   * @returns True if it was the last member, so that the caller has to destroy the session.
   */
  close(session: string, member: string): Promise<boolean>;
  /** Removes all members, on all nodes, each of which is notified. */
  closeAll(session: string): Promise<SessionClosing>;
  /**
   * Closes a session that has no members. It accepts no members afterwards.
   * @returns True if this node has closed it, now or by an earlier call that failed, so that the caller has to destroy it.
   */
  closeUnheld(session: string): Promise<boolean>;
  /** The number of members. */
  count(session: string): Promise<number>;
}
