import { digestOf } from '../../common/key-digest.js';
import { checkAll, countOrInfinity, type OptionRules } from '../../common/options.js';
import { SessionError } from '../session-error.js';
import type { SessionInfo } from '../session-info.js';
import { SessionManager, type SessionConnection } from '../session-manager.js';
import type { SessionRecord } from '../session.js';

/** Options of {@link MemorySessionManager}. */
export interface MemorySessionManagerOptions {
  /**
   * Time since the last lookup after which a session expires and is removed, in milliseconds: an integer of at least 1, or
   * `Infinity`. A client that restores an expired session gets the reply that the session does not exist.
   * @default Infinity (never)
   */
  readonly maxAge?: number;
}

const RULES: OptionRules<MemorySessionManagerOptions> = { maxAge: countOrInfinity('milliseconds') };

interface Entry {
  readonly createdAt: number;
  readonly lastLookupAt: number;
  readonly info: SessionInfo | null;
}

/**
 * Keeps sessions in the memory of the process, for tests and for servers whose sessions may end with the process
 * (docs/PROTOCOL.md, section 6).
 */
export class MemorySessionManager extends SessionManager {
  /** Time since the last lookup after which a session expires, in ms; `Infinity` for never. */
  readonly maxAge: number;
  /** By digest of the key, in the order of the last lookups, so that expired ones come first. */
  readonly #entries = new Map<string, Entry>();

  /** @throws InvalidOptionError if an option cannot be used. */
  constructor(options: MemorySessionManagerOptions = {}) {
    super();
    this.maxAge = checkAll(options, RULES, 'MemorySessionManager.').maxAge ?? Infinity;
  }

  /** The number of sessions, without expired ones. */
  get size(): number {
    this.#removeExpired();
    return this.#entries.size;
  }

  /**
   * Keeps a new session. It replaces a session with the same key.
   * @throws SessionError `SESSION_STORE_FAILED` if the connection has none.
   */
  onSessionCreated({ session }: SessionConnection): void {
    if (!session) throw new SessionError('SESSION_STORE_FAILED', 'the connection has no session to store');
    const { key, createdAt, lastLookupAt, info = null } = session;
    this.#removeExpired();
    this.#put(digestOf(key), { createdAt: createdAt.getTime(), lastLookupAt: lastLookupAt.getTime(), info });
  }

  /**
   * Finds a session and sets its time of last lookup to now.
   * @returns The session with the time of the lookup before this one; `null` if there is none, or it has expired.
   */
  onSessionLookup(key: string): SessionRecord | null {
    this.#removeExpired();
    const id = digestOf(key);
    const entry = this.#entries.get(id);
    if (!entry) return null;
    const { createdAt, lastLookupAt, info } = entry;
    if (this.#isExpired(entry)) {
      this.#entries.delete(id);
      return null;
    }
    this.#put(id, { ...entry, lastLookupAt: Date.now() });
    return { createdAt: new Date(createdAt), lastLookupAt: new Date(lastLookupAt), info };
  }

  /** Removes a session; one that does not exist counts as removed. */
  onSessionClosed(key: string): void {
    this.#removeExpired();
    this.#entries.delete(digestOf(key));
  }

  #put(id: string, entry: Entry): void {
    this.#entries.delete(id);
    this.#entries.set(id, entry);
  }

  /** Stops at the first session that has not expired, so that the cost is that of the removals. */
  #removeExpired(): void {
    for (const [id, entry] of this.#entries) {
      if (!this.#isExpired(entry)) return;
      this.#entries.delete(id);
    }
  }

  #isExpired({ lastLookupAt }: Entry): boolean {
    return Date.now() - lastLookupAt > this.maxAge;
  }
}
