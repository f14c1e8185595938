import { createHash } from 'node:crypto';
import { checkMaxAge } from './manager-options.js';
import { SessionError } from '../session-error.js';
import type { SessionInfo } from '../session-info.js';
import { SessionManager, type SessionConnection } from '../session-manager.js';
import type { SessionRecord } from '../session.js';

/** Options of {@link MemorySessionManager}. */
export interface MemorySessionManagerOptions {
  /**
   * How long after its last lookup a session can still be restored, in ms; then it is removed. A client whose session
   * is gone is told so when it restores it. Default: `Infinity`, for ever.
   */
  readonly maxAge?: number;
}

interface Entry {
  readonly createdAt: number;
  readonly lastLookupAt: number;
  readonly info: SessionInfo | null;
}

/**
 * Keeps sessions in the memory of the process, for tests and for servers whose sessions may end with the process
 * (PROTOCOL.md, section 6).
 */
export class MemorySessionManager extends SessionManager {
  /** How long after its last lookup a session can still be restored, in ms; `Infinity`: for ever. */
  readonly maxAge: number;
  /**
   * By digests of the keys: how long the search for one takes tells nothing about how much of a guess is right. The
   * order is that of the last lookups, so that the expired ones come first.
   */
  readonly #entries = new Map<string, Entry>();

  /** @throws TypeError if an option cannot be used. */
  constructor({ maxAge }: MemorySessionManagerOptions = {}) {
    super();
    this.maxAge = checkMaxAge('MemorySessionManager', maxAge);
  }

  /** How many sessions are kept. */
  get size(): number {
    this.#removeExpired();
    return this.#entries.size;
  }

  /**
   * Keeps a new session, in place of any with the same key.
   * @throws SessionError `SESSION_STORE_FAILED` if the connection has none.
   */
  onSessionCreated({ session }: SessionConnection): void {
    if (!session) throw new SessionError('SESSION_STORE_FAILED', 'the connection has no session to store');
    const { key, createdAt, lastLookupAt, info = null } = session;
    this.#removeExpired();
    this.#put(digest(key), { createdAt: createdAt.getTime(), lastLookupAt: lastLookupAt.getTime(), info });
  }

  /**
   * Finds a session and sets its time of last lookup to now.
   * @returns The session with the time of last lookup before; `null` if there is none, or it has expired.
   */
  onSessionLookup(key: string): SessionRecord | null {
    this.#removeExpired();
    const id = digest(key);
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

  /** Removes a session; one that is not there is removed already. */
  onSessionClosed(key: string): void {
    this.#removeExpired();
    this.#entries.delete(digest(key));
  }

  #put(id: string, entry: Entry): void {
    this.#entries.delete(id);
    this.#entries.set(id, entry);
  }

  /** Each is removed once, so that this costs no more than adding them did. */
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

function digest(key: string): string {
  return createHash('sha256').update(key).digest('base64');
}
