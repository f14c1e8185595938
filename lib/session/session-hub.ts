import { SessionError } from './session-error.js';
import type { SessionKeyGenerator } from './session-key-generator.js';
import type { SessionManager } from './session-manager.js';
import { KeyedQueue } from './keyed-queue.js';
import type { SessionRegistry } from './session-registry.js';
import type { SessionSlot } from './session-slot.js';

/** What the sessions of an application have in common, whatever server their connections belong to. */
export class SessionHub {
  /** Operations on one session run one after the other: a restore never meets a half-destroyed session. */
  readonly #queue = new KeyedQueue();

  constructor(
    readonly manager: SessionManager,
    readonly keyGenerator: SessionKeyGenerator,
    readonly registry: SessionRegistry<SessionSlot>,
    /** Most connections that may have one session at once. */
    readonly maxConnections: number,
    /** Logs a failure of the session manager; the key must not be in what is logged. */
    readonly report: (what: string, error: unknown, key: string) => void,
  ) {}

  /** Runs an operation on one session when all earlier ones have ended. */
  exclusively<T>(key: string, operation: () => Promise<T>): Promise<T> {
    return this.#queue.run(key, operation);
  }

  /**
   * Closes a session on all its connections and destroys it. Does nothing if none has it.
   * @returns How many connections had it.
   */
  closeSession(key: string): Promise<number> {
    return this.exclusively(key, async () => {
      const slots = this.registry.connections(key);
      if (slots.length === 0) return 0;
      for (const slot of slots) slot.drop(key);
      for (const slot of slots) await this.registry.remove(key, slot);
      await this.destroy(key);
      return slots.length;
    });
  }

  /**
   * The last connection has closed the session.
   * @throws SessionError `SESSION_STORE_FAILED` if the manager fails, whose own error may hold the key.
   */
  async destroy(key: string): Promise<void> {
    try {
      await this.manager.onSessionClosed(key);
    } catch (error) {
      this.report('onSessionClosed', error, key);
      throw new SessionError('SESSION_STORE_FAILED', 'the session is closed, but could not be destroyed');
    }
  }

  /** Resolves when all operations that are under way have ended. */
  settled(): Promise<void> {
    return this.#queue.settled();
  }
}
