import { isSessionKey } from './client-session.js';
import { MAX_TIMER, onStorageEvent, type StorageLike } from './platform.js';

/**
 * The place of a session key in a storage. The storage may be missing, may throw, reject or never answer: then the session
 * lasts as long as the client.
 */
export class KeyStore {
  /** The key that was last seen in the storage. */
  #seen: string | undefined;
  /** The last write to a storage that answers later: the next one waits for it. */
  #lastWrite: Promise<unknown> | undefined;

  /** @param timeout How long a storage that answers later may take, in milliseconds. */
  constructor(
    private readonly storage: StorageLike | undefined,
    private readonly name: string,
    private readonly timeout: number,
  ) {}

  /** Reads the key. Another page or process may have left it. */
  read(): string | undefined | Promise<string | undefined> {
    const stored = this.#attempt(() => this.storage?.getItem(this.name));
    return isPromise(stored) ? this.#within(stored).then((value) => this.#see(value)) : this.#see(stored);
  }

  write(key: string): void {
    this.#seen = key;
    this.#change((storage) => storage.setItem(this.name, key));
  }

  /** Removes the key, unless the storage has another one by now: that one belongs to another page. */
  remove(key: string): void {
    this.#change((storage) => {
      const remove = (stored: unknown) => (stored === key ? storage.removeItem(this.name) : undefined);
      const stored = storage.getItem(this.name);
      return isPromise(stored) ? stored.then(remove) : remove(stored);
    });
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
      const stored = this.read();
      // Storages with events answer at once.
      if (!isPromise(stored) && stored !== previous) listener(stored, previous);
    });
  }

  #see(stored: unknown): string | undefined {
    this.#seen = isSessionKey(stored) ? stored : undefined;
    return this.#seen;
  }

  #change(write: (storage: StorageLike) => unknown): void {
    const { storage } = this;
    if (!storage) return;
    const attempt = () => this.#attempt(() => write(storage));
    const result = this.#lastWrite ? this.#lastWrite.then(attempt) : attempt();
    if (isPromise(result)) this.#lastWrite = this.#within(result);
  }

  #attempt<Result>(call: () => Result): Result | undefined {
    try {
      return call();
    } catch {
      return undefined;
    }
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
