import { ConnectionSession } from '../session/connection-session.js';
import { SessionError } from '../session/session-error.js';
import type { SessionConnection } from '../session/session-manager.js';
import type { SessionService } from '../session/session-service.js';
import type { Session } from '../session/session.js';
import type { Outbox } from './outbox.js';

/** Makes the `ConnectionSession` of a connection on first use, as most connections never have a session. */
export class LazyConnectionSession {
  #made: ConnectionSession | undefined;
  #isReleased = false;

  /** @param service `null` if sessions are off. */
  constructor(
    private readonly service: SessionService | null,
    private readonly connection: SessionConnection,
    private readonly outbox: Outbox,
  ) {}

  /** The session of the connection, or `null`. It stays readable after `release()`. */
  get session(): Session | null {
    return this.#made?.session ?? null;
  }

  /** @throws SessionError `SESSIONS_DISABLED` */
  get(): ConnectionSession {
    if (!this.service) {
      throw new SessionError(
        'SESSIONS_DISABLED',
        'sessions are switched off: the option sessions of WebwireModule or of the gateway is false',
      );
    }
    this.#made ??= new ConnectionSession(this.service, this.connection, this.outbox, this.#isReleased);
    return this.#made;
  }

  /**
   * Called when the connection is gone.
   * @returns Resolves when the session has one member less; `undefined` if the connection never used sessions.
   */
  release(): Promise<void> | undefined {
    this.#isReleased = true;
    return this.#made?.release();
  }
}
