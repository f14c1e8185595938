import { withTimeout } from '../common/timeout.js';
import { SessionError } from './session-error.js';
import type { SessionConnection, SessionManager } from './session-manager.js';
import type { Session, SessionRecord } from './session.js';

/** Most sessions whose late calls are tracked. Beyond it, the session with the oldest calls is no longer tracked. */
const MAX_LATE = 10_000;

type Hook = 'onSessionCreated' | 'onSessionLookup' | 'onSessionClosed';

/** Calls for one session that took longer than the timeout, and may still write to the store. */
interface LateCalls {
  pending: number;
  /** True if the session was destroyed meanwhile. */
  isDestroyed: boolean;
}

/** Calls the hooks of a session manager, and bounds the time that they take. */
export class SessionStore {
  readonly #late = new Map<string, LateCalls>();

  constructor(
    private readonly manager: SessionManager,
    /** In milliseconds. */
    readonly timeout: number,
    /** Logs a failure; the key must not be in what is logged. */
    private readonly report: (subject: string, error: unknown, key: string) => void,
    /** Runs a task when all earlier ones for the same key have ended. */
    private readonly exclusively: (key: string, task: () => Promise<void>) => Promise<void>,
  ) {}

  /** @throws any error of the manager, for a session that it could not return later. */
  assertStorable(session: Session): void {
    this.manager.assertStorable?.(session);
  }

  /** Stores a new session. A failure is logged. */
  async create(connection: SessionConnection, key: string): Promise<void> {
    try {
      await this.#call('onSessionCreated', key, () => this.manager.onSessionCreated(connection));
    } catch (error) {
      this.report('onSessionCreated', error, key);
    }
  }

  /**
   * Finds a session.
   * @param deadline When the lookup has to have ended, by `performance.now()`.
   * @returns `null` or `undefined` if there is none.
   * @throws any error of the manager; SessionError `SESSION_STORE_FAILED` at the deadline.
   */
  async lookUp(key: string, deadline: number): Promise<SessionRecord | null | undefined> {
    const left = deadline - performance.now();
    if (left > 0) return this.#call('onSessionLookup', key, () => this.manager.onSessionLookup(key), left);
    throw new SessionError(
      'SESSION_STORE_FAILED',
      `onSessionLookup was not called: earlier operations on the session took longer than ${this.timeout} ms (option ` +
        'sessions.managerTimeout)',
    );
  }

  /**
   * Destroys a session that no connection has any more.
   * @throws SessionError `SESSION_STORE_FAILED` if the manager fails. The error of the manager is logged; it may hold the
   *   key.
   */
  async destroy(key: string): Promise<void> {
    this.markDestroyed(key);
    try {
      await this.#call('onSessionClosed', key, () => this.manager.onSessionClosed(key));
    } catch (error) {
      this.report('onSessionClosed', error, key);
      throw new SessionError('SESSION_STORE_FAILED', 'the session is closed, but could not be destroyed');
    }
  }

  /** The session is destroyed, by this node or another. */
  markDestroyed(key: string): void {
    const late = this.#late.get(key);
    if (late) late.isDestroyed = true;
  }

  async #call<T>(hook: Hook, key: string, call: () => T | Promise<T>, timeout = this.timeout): Promise<T> {
    const answer = call();
    if (!isPending(answer)) return answer;
    const pending = Promise.resolve(answer);
    return withTimeout(pending, timeout, () => {
      this.#expectLate(hook, key, pending);
      return new SessionError(
        'SESSION_STORE_FAILED',
        `${hook} of the session manager did not answer within ${this.timeout} ms (option sessions.managerTimeout)`,
      );
    });
  }

  /** A session that is stored after it was destroyed could be restored: it is destroyed once more. */
  #expectLate(hook: Hook, key: string, pending: Promise<unknown>): void {
    const late = hook === 'onSessionClosed' ? undefined : this.#track(key);
    const settled = (): void => {
      if (!late || --late.pending > 0) return;
      if (this.#late.get(key) === late) this.#late.delete(key);
      if (late.isDestroyed) void this.exclusively(key, () => this.destroy(key)).catch(() => undefined);
    };
    pending
      .catch((error: unknown) => this.report(`${hook}, which answered after its timeout,`, error, key))
      .finally(settled);
  }

  #track(key: string): LateCalls {
    const late = this.#late.get(key) ?? { pending: 0, isDestroyed: false };
    late.pending++;
    this.#late.delete(key);
    this.#late.set(key, late);
    if (this.#late.size > MAX_LATE) this.#late.delete(this.#late.keys().next().value!);
    return late;
  }
}

/** Managers may return promises of any library. */
function isPending<T>(answer: T | Promise<T>): answer is Promise<T> {
  return typeof (answer as Partial<Promise<T>> | null | undefined)?.then === 'function';
}
