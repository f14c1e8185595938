import type { Session, SessionRecord } from './session.js';

/** The connection that a session was created on. At run time it is a `WebwireConnection`. */
export interface SessionConnection {
  /** Unique among the connections of all servers. */
  readonly id: string;
  /** The new session. */
  readonly session: Session | null;
}

/**
 * Keeps sessions, so that they outlive connections and the process. Extend it for a store of your own; the class is
 * also the injection token of the manager in use.
 *
 * The three are never called at the same time for one session, within one process. They must not wait for session
 * operations on the same session or connection, which in turn wait for them.
 */
export abstract class SessionManager {
  /**
   * A session was created: store `connection.session`. Failing is logged; the session stays active, but cannot be
   * restored later.
   */
  abstract onSessionCreated(connection: SessionConnection): void | Promise<void>;

  /**
   * A client wants its session back. Finds it, sets its time of last lookup to now and returns it with the time
   * _before_. Failing is logged; the client gets an internal error.
   *
   * @param key Whatever a client sent: 1 to 255 printable ASCII characters. Never log it, and never make a path of it
   *   unchecked.
   * @returns `null` if there is no such session.
   */
  abstract onSessionLookup(key: string): SessionRecord | null | Promise<SessionRecord | null>;

  /**
   * A session was closed on its last connection: it must not be found any more. Failing is logged, and fails
   * `closeSession()` with a `SessionError`.
   */
  abstract onSessionClosed(key: string): void | Promise<void>;
}
