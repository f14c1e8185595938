import type { ServerLogger } from '../common/logger.js';
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
 * Within one process, the three hooks are called one after the other for one session. They must not wait for session
 * operations on the same session or connection, which in turn wait for them.
 *
 * A hook that does not answer within `sessions.managerTimeout` counts as failed, and later calls for the session no longer
 * wait for it. If it still succeeds after the session was closed, `onSessionClosed` is called once more.
 */
export abstract class SessionManager {
  /**
   * Optional. Throws for a session that this manager could not return later, because of its key or its size. Called before a
   * session is created; `createSession()` rejects with the error.
   */
  assertStorable?(session: Session): void;

  /**
   * Optional. Gives the manager the logger of the application, for problems that do not fail an operation. Called once,
   * before all hooks.
   */
  useLogger?(logger: ServerLogger): void;

  /**
   * Stores `connection.session`, which is new. A failure is logged; the session stays active, but cannot be restored
   * later.
   */
  abstract onSessionCreated(connection: SessionConnection): void | Promise<void>;

  /**
   * Finds the session that a client restores, sets its time of last lookup to now and returns it with the time
   * _before_. A failure is logged; the client gets an internal error. A manager that finds the session but cannot write
   * the time should return it nevertheless.
   *
   * @param key The key that a client sent: 1 to 255 printable ASCII characters. Do not log it, and do not use it in a path
   *   without a check.
   * @returns `null` if there is no such session.
   */
  abstract onSessionLookup(key: string): SessionRecord | null | Promise<SessionRecord | null>;

  /**
   * Destroys a session that was closed on its last connection: later lookups must not find it. A failure is logged, and
   * fails `closeSession()` with a `SessionError`.
   */
  abstract onSessionClosed(key: string): void | Promise<void>;
}
