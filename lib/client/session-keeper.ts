import { isSessionKey, type ClientSession } from './client-session.js';
import type { StorageLike } from './platform.js';

/** Knows the session of a client, and keeps its key in a storage, which may fail without harm. */
export class SessionKeeper {
  #session: ClientSession | null = null;
  #key: string | undefined;

  constructor(
    private readonly storage: StorageLike | undefined,
    private readonly name: string,
  ) {}

  /** The session as it was last heard of. */
  get session(): ClientSession | null {
    return this.#session;
  }

  /** Key of the session to restore: ours, or the one that another page or process has left. */
  get key(): string | undefined {
    if (this.#key === undefined) {
      const stored = this.#stored();
      if (isSessionKey(stored)) this.#key = stored;
    }
    return this.#key;
  }

  /** The client has a session now. */
  keep(session: ClientSession): void {
    this.#session = session;
    this.#key = session.key;
    this.#try((storage) => storage.setItem(this.name, session.key));
  }

  /** The session is not active for now, but may be restored later. */
  suspend(): void {
    this.#session = null;
  }

  /** The session is over. The storage may have a newer one already, of another page: that stays. */
  forget(): void {
    if (this.#stored() === this.#key) this.#try((storage) => storage.removeItem(this.name));
    this.#session = null;
    this.#key = undefined;
  }

  #stored(): string | null | undefined {
    return this.#try((storage) => storage.getItem(this.name));
  }

  /** A storage may be full, or forbidden: then the session lasts as long as the client. */
  #try<T>(use: (storage: StorageLike) => T): T | undefined {
    try {
      return this.storage && use(this.storage);
    } catch {
      return undefined;
    }
  }
}
