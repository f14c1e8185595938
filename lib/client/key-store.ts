import { isSessionKey } from './client-session.js';
import { MAX_TIMER, onStorageEvent, type StorageLike } from './platform.js';

/**
 * The place of a session key in a storage. The storage may be missing, may throw, reject or never answer: then the session
 * lasts as long as the client.
 */
export class KeyStore {
  /** The key that was last seen in the storage. */
  #seen: string | undefined;
  /** The key that this client removed last: the storage may have failed to remove it. */
  #removed: string | undefined;
  /** The last write to a storage that answers later: what comes next waits for it. */
  #lastWrite: Promise<unknown> | undefined;

  /** @param timeout How long a storage that answers later may take, in milliseconds. */
  constructor(
    private readonly storage: StorageLike | undefined,
    private readonly name: string,
    private readonly timeout: number,
  ) {}

  /** Reads the key. Another page or process may have left it. A key that this client removed is not read again. */
  read(): string | undefined | Promise<string | undefined> {
    const stored = this.#use((storage) => storage.getItem(this.name));
    return stored instanceof Promise ? stored.then((value) => this.#see(value)) : this.#see(stored);
  }

  write(key: string): void {
    this.#seen = key;
    this.#removed = undefined;
    this.#change((storage) => storage.setItem(this.name, key));
  }

  /** Removes the key, unless the storage has another one by now: that one belongs to another page. */
  remove(key: string): void {
    this.#change((storage) => {
      const remove = (stored: unknown) => (stored === key ? storage.removeItem(this.name) : undefined);
      const stored = storage.getItem(this.name);
      return isPromise(stored) ? Promise.resolve(stored).then(remove) : remove(stored);
    });
    this.#removed = key;
    if (this.#seen === key) this.#seen = undefined;
  }

  /**
   * Calls a listener when another page has changed the key.
   * @returns A function that ends it.
   */
  watch(listener: (key: string | undefined, previous: string | undefined) => void): () => void {
    if (!this.storage) return () => {};
    return onStorageEvent((event) => {
      const { key: name } = event as { key?: string | null };
      // `null` stands for `localStorage.clear()`.
      if (name !== this.name && name !== null) return;
      const previous = this.#seen;
      this.#removed = undefined;
      const stored = this.read();
      // Storages with events answer at once.
      if (!(stored instanceof Promise) && stored !== previous) listener(stored, previous);
    });
  }

  #see(stored: unknown): string | undefined {
    this.#seen = isSessionKey(stored) && stored !== this.#removed ? stored : undefined;
    return this.#seen;
  }

  #change(write: (storage: StorageLike) => unknown): void {
    const result = this.#use(write);
    if (result instanceof Promise) this.#lastWrite = result;
  }

  /** Uses the storage, after the last write. The result is `undefined` if it fails. */
  #use(use: (storage: StorageLike) => unknown): unknown {
    const { storage } = this;
    if (!storage) return undefined;
    const attempt = () => {
      try {
        const result = use(storage);
        return isPromise(result) ? Promise.resolve(result) : result;
      } catch {
        return undefined;
      }
    };
    const result = this.#lastWrite ? this.#lastWrite.then(attempt) : attempt();
    return result instanceof Promise ? this.#within(result) : result;
  }

  /** Resolves with `undefined` if a promise rejects, or takes too long. */
  #within(promise: PromiseLike<unknown>): Promise<unknown> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(this.timeout, MAX_TIMER), undefined);
      const settle = (value?: unknown) => {
        clearTimeout(timer);
        resolve(value);
      };
      promise.then(settle, () => settle());
    });
  }
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}
