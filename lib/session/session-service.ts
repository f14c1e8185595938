import { digestOf } from '../common/key-digest.js';
import { KeyedQueue } from '../common/keyed-queue.js';
import { withTimeout } from '../common/timeout.js';
import { SessionError } from './session-error.js';
import { isSessionKey, type SessionKeyGenerator } from './session-key-generator.js';
import type { SessionManager } from './session-manager.js';
import type { SessionMember } from './session-member.js';
import type { SessionRegistry } from './session-registry.js';
import { SessionStore } from './session-store.js';

/** Most closings that are kept until the other nodes can be reached again. Beyond it, the oldest is discarded. */
const MAX_UNFINISHED = 10_000;

/** Limits of the sessions of an application. */
export interface SessionLimits {
  /** Most connections that may have one session at once. */
  readonly maxConnections: number;
  /** Time that a call of the session manager, the key generator or the cluster may take, in milliseconds. */
  readonly managerTimeout: number;
}

/** Sessions of an application, on all its servers. */
export class SessionService {
  /** Keeps the sessions. */
  readonly store: SessionStore;
  /** Operations on one session run one after the other: a restore never meets a half-destroyed session. */
  readonly #queue = new KeyedQueue();
  /** Sessions that were closed here while the other nodes could not be reached. `isEverywhere`: to be closed on all nodes. */
  readonly #unfinished = new Map<string, { isEverywhere: boolean }>();

  constructor(
    readonly manager: SessionManager,
    private readonly keyGenerator: SessionKeyGenerator,
    readonly registry: SessionRegistry<SessionMember>,
    readonly limits: SessionLimits,
    /** Logs a failure; the key must not be in what is logged. */
    readonly report: (subject: string, error: unknown, key: string) => void,
  ) {
    this.store = new SessionStore(manager, limits.managerTimeout, report, (key, task) => this.exclusively(key, task));
  }

  /** @throws SessionError `INVALID_SESSION_KEY` if the generator makes no usable key in time; any error of the generator. */
  async generateKey(): Promise<string> {
    const { managerTimeout } = this.limits;
    const generating = Promise.resolve(this.keyGenerator.generate());
    const key: unknown = await withTimeout(generating, managerTimeout, () =>
      invalidKey(`made no key within ${managerTimeout} ms (option sessions.managerTimeout)`),
    );
    if (isSessionKey(key)) return key;
    throw invalidKey('made a key that is not 1 to 255 printable ASCII characters');
  }

  /** Runs an operation on one session when all earlier ones have ended. */
  exclusively<T>(key: string, operation: () => Promise<T>): Promise<T> {
    return this.#queue.run(key, operation);
  }

  /**
   * Closes a session on all its connections, those of other nodes included, and destroys it. Does nothing if no connection
   * has it.
   * @returns The number of connections that had it.
   */
  closeSession(key: string): Promise<number> {
    return this.exclusively(key, async () => {
      for (const member of this.registry.members(digestOf(key))) member.drop(key);
      const { connections, isLast } = await this.#finishLater(key, true, () => this.registry.closeAll(key));
      if (isLast) await this.store.destroy(key);
      return connections;
    });
  }

  /** Closes a session on one connection, and destroys it if that was the last one. */
  async closeOn(key: string, member: SessionMember): Promise<void> {
    const isLast = await this.#finishLater(key, false, () => this.registry.close(key, member));
    if (isLast) await this.store.destroy(key);
  }

  /** Takes a session from the connections of this node, after another node has closed it; that node destroys it. */
  async closedElsewhere(digest: string): Promise<void> {
    const key = this.registry.keyOf(digest);
    if (key === undefined) return;
    this.store.markDestroyed(key);
    await this.exclusively(key, async () => {
      for (const member of this.registry.members(digest)) {
        member.drop(key);
        await this.registry.leave(key, member);
      }
    });
  }

  /** Finishes the closings that failed while the other nodes could not be reached. */
  async catchUp(): Promise<void> {
    const unfinished = [...this.#unfinished];
    this.#unfinished.clear();
    const finishing = unfinished.map(([key, { isEverywhere }]) =>
      this.exclusively(key, async () => {
        const isClosed = await this.#finishLater(key, isEverywhere, async () => {
          if (isEverywhere && (await this.registry.closeAll(key)).isLast) return true;
          // Returns false if a connection has the session, or if another node has closed it as well.
          return this.registry.closeUnheld(key);
        });
        if (isClosed) await this.store.destroy(key);
      }),
    );
    // Failures are logged, or tried again.
    await Promise.allSettled(finishing);
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

  /** Resolves when all operations that run now have ended. */
  settled(): Promise<void> {
    return this.#queue.settled();
  }
}

function invalidKey(reason: string): SessionError {
  return new SessionError('INVALID_SESSION_KEY', `the session key generator ${reason}`);
}
