import { SessionError } from './session-error.js';
import type { SessionKeyGenerator } from './session-key-generator.js';
import type { SessionManager } from './session-manager.js';
import { KeyedQueue } from '../common/keyed-queue.js';
import { digestOf, type SessionRegistry } from './session-registry.js';
import type { ConnectionSession } from './connection-session.js';

/** Closings that wait for the other nodes to be reachable again, at most; then the oldest are given up. */
const MAX_UNFINISHED = 10_000;

/** What the sessions of an application have in common, whatever server their connections belong to. */
export class SessionService {
  /** Operations on one session run one after the other: a restore never meets a half-destroyed session. */
  readonly #queue = new KeyedQueue();
  /** Sessions that were closed here while the other nodes could not be reached, and whether on all nodes. */
  readonly #unfinished = new Map<string, { isEverywhere: boolean }>();

  constructor(
    readonly manager: SessionManager,
    readonly keyGenerator: SessionKeyGenerator,
    readonly registry: SessionRegistry<ConnectionSession>,
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
   * Closes a session on all its connections, those of other nodes included, and destroys it. Does nothing if none has it.
   * @returns How many connections had it.
   */
  closeSession(key: string): Promise<number> {
    return this.exclusively(key, async () => {
      for (const connectionSession of this.registry.holders(digestOf(key))) connectionSession.drop(key);
      const { connections, isLast } = await this.#finishLater(key, true, () => this.registry.closeAll(key));
      if (isLast) await this.destroy(key);
      return connections;
    });
  }

  /** A connection closes its session, which is destroyed if it was the last that had it. */
  async closeOn(key: string, connectionSession: ConnectionSession): Promise<void> {
    const isLast = await this.#finishLater(key, false, () => this.registry.close(key, connectionSession));
    if (isLast) await this.destroy(key);
  }

  /** Another node has closed a session, and destroys it: the connections of this one lose it. */
  async closedElsewhere(digest: string): Promise<void> {
    const key = this.registry.keyOf(digest);
    if (key === undefined) return;
    await this.exclusively(key, async () => {
      for (const connectionSession of this.registry.holders(digest)) {
        connectionSession.drop(key);
        await this.registry.leave(key, connectionSession);
      }
    });
  }

  /** The other nodes can be reached again: does for closed sessions what could not be done then. */
  async catchUp(): Promise<void> {
    const unfinished = [...this.#unfinished];
    this.#unfinished.clear();
    const finishing = unfinished.map(([key, { isEverywhere }]) =>
      this.exclusively(key, async () => {
        const isClosed = await this.#finishLater(key, isEverywhere, async () => {
          if (isEverywhere && (await this.registry.closeAll(key)).isLast) return true;
          // Not if somebody has it meanwhile, or had it all the time, or if another node has closed it, too.
          return this.registry.closeUnheld(key);
        });
        if (isClosed) await this.destroy(key);
      }),
    );
    // What fails is logged, or is tried again.
    await Promise.allSettled(finishing);
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

  async #finishLater<T>(key: string, isEverywhere: boolean, operation: () => T | Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (error) {
      const before = this.#unfinished.get(key);
      this.#unfinished.delete(key);
      this.#unfinished.set(key, { isEverywhere: isEverywhere || before?.isEverywhere === true });
      if (this.#unfinished.size > MAX_UNFINISHED) {
        const [oldest] = this.#unfinished.keys();
        this.#unfinished.delete(oldest!);
      }
      throw error;
    }
  }

  /** Resolves when all operations that are under way have ended. */
  settled(): Promise<void> {
    return this.#queue.settled();
  }
}
