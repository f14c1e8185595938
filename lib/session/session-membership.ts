/** What became of a connection that asked for a place in a session. */
export type PlaceResult =
  /** It has one now. */
  | 'taken'
  /** As many connections as may have the session have it already. */
  | 'full'
  /** The session was closed, and is just being destroyed or has been. */
  | 'closed';

/** How a place is asked for. */
export interface PlaceRequest {
  /** Most connections that may have the session at once, on all nodes together; `Infinity` for any number. */
  readonly limit: number;
  /** The session is just being created: nobody else may have a place in it. */
  readonly isNew: boolean;
}

/** How a session was closed on all nodes. */
export interface SessionClosing {
  /** How many connections had it, on all nodes together. */
  readonly connections: number;
  /** Whether this call closed it, so that the caller has to destroy it. Never true for two calls. */
  readonly isLast: boolean;
}

/**
 * The places that connections have in sessions, on all nodes together. Sessions go by digests of their keys, which are
 * secret; places by names that are unique among all nodes. What needs an answer of the other nodes rejects with a
 * SessionError `CLUSTER_UNAVAILABLE` where none can be had.
 */
export interface SessionMembership {
  /**
   * Takes a place, however many nodes do so at once; a place that is there already is not taken twice. Resolves when
   * signals to the session, and its closing, reach this node.
   * @returns `'full'` for a session that is new to its creator only.
   */
  take(session: string, place: string, request: PlaceRequest): Promise<PlaceResult>;
  /** The connection is lost. Never rejects. */
  leave(session: string, place: string): Promise<void>;
  /**
   * The connection closes the session.
   * @returns Whether this was the last place, so that the caller has to destroy the session.
   */
  close(session: string, place: string): Promise<boolean>;
  /** Takes all places away, on all nodes, which are told. */
  closeAll(session: string): Promise<SessionClosing>;
  /**
   * Closes a session that nobody has a place in any more; nobody is given one from then on.
   * @returns Whether this node has closed it, now or by a call before that failed, so that the caller has to destroy it.
   */
  closeUnheld(session: string): Promise<boolean>;
  /** How many places there are. */
  count(session: string): Promise<number>;
}
