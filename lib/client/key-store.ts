import { TIMER_MAX } from '../protocol/limits.js';
import { isPromiseLike } from '../protocol/promise.js';
import { isPrintableKey } from './client-session.js';
import { onStorageEvent, type StorageLike } from './platform.js';

/**
 * Stores the session key. The storage may be missing, throw, reject, or return a promise that stays pending: then the session
 * lasts only as long as the client.
 */
export class KeyStore {
  /** The key that was last read from or written to the storage. */
  #lastKey: string | undefined;
  /** The last write to an asynchronous storage, which the next write awaits. */
  #lastWrite: Promise<unknown> | undefined;

  /** @param timeout For an asynchronous storage, in milliseconds. */
  constructor(
    private readonly storage: StorageLike | undefined,
    private readonly name: string,
    private readonly timeout: number,
  ) {}

  /** Reads the key, which may be that of another page or an earlier process. */
  read(): string | undefined | Promise<string | undefined> {
    const stored = this.#attempt(() => this.storage?.getItem(this.name));
    return isPromiseLike(stored)
      ? this.#settled(stored).then((value) => this.#remember(value))
      : this.#remember(stored);
  }

  write(key: string): void {
    this.#lastKey = key;
    this.#change((storage) => storage.setItem(this.name, key));
  }

  /** Removes the key, unless another page has replaced it. */
  remove(key: string): void {
    this.#change((storage) => {
      const remove = (stored: unknown) => (stored === key ? storage.removeItem(this.name) : undefined);
      const stored = storage.getItem(this.name);
      return isPromiseLike(stored) ? stored.then(remove) : remove(stored);
    });
    if (this.#lastKey === key) this.#lastKey = undefined;
  }

  /**
   * Calls a listener when another page has changed the key.
   * @returns A function that removes the listener.
   */
  watch(listener: (key: string | undefined, previous: string | undefined) => void): () => void {
    if (!this.storage) return () => {};
    return onStorageEvent((event) => {
      const { key: name } = event as { key?: string | null };
      // The name is `null` after `localStorage.clear()`.
      if (name !== this.name && name !== null) return;
      const previous = this.#lastKey;
      const stored = this.read();
      // Storages with events are synchronous.
      if (!isPromiseLike(stored) && stored !== previous) listener(stored, previous);
    });
  }

  #remember(stored: unknown): string | undefined {
    this.#lastKey = isPrintableKey(stored) ? stored : undefined;
    return this.#lastKey;
  }

  #change(write: (storage: StorageLike) => unknown): void {
    const { storage } = this;
    if (!storage) return;
    const attempt = () => this.#attempt(() => write(storage));
    const result = this.#lastWrite ? this.#lastWrite.then(attempt) : attempt();
    if (isPromiseLike(result)) this.#lastWrite = this.#settled(result);
  }

  #attempt<Result>(call: () => Result): Result | undefined {
    try {
      return call();
    } catch {
      return undefined;
    }
  }

  /** Resolves with the value of a promise, or with `undefined` if it rejects or takes too long. */
  #settled(promise: PromiseLike<unknown>): Promise<unknown> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(this.timeout, TIMER_MAX), undefined);
      const finish = (value?: unknown) => {
        clearTimeout(timer);
        resolve(value);
      };
      promise.then(finish, () => finish());
    });
  }
}
