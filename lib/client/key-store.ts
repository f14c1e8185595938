import { isPromiseLike } from '../protocol/promise.js';
import { isPrintableKey } from './client-session.js';
import { onPageEvents, type StorageLike } from './platform.js';
import type { Target } from './target.js';
import { settledWithin } from './settled-within.js';

/**
 * Stores the session key. The storage may be missing, throw, reject, or return a promise that stays pending: then the session
 * lasts only as long as the client.
 */
export class KeyStore {
  /** The key that was last read from or written to the storage. */
  #lastKey: string | undefined;
  /** The key that this client removed last: the storage may have failed to remove it. */
  #removed: string | undefined;
  /** The last write to an asynchronous storage, which the next operation awaits. */
  #lastWrite: Promise<unknown> | undefined;

  /** @param timeout For an asynchronous storage, in milliseconds. */
  constructor(
    private readonly storage: StorageLike | false,
    private readonly target: Target,
    private readonly timeout: number,
  ) {}

  /** The name of the key depends on the server, which may be unknown before the first attempt to connect. */
  private get name(): string {
    return `webwire:${this.target.location}`;
  }

  /** Reads the key. Another page or process may have left it. A key that this client removed is not read again. */
  read(): string | undefined | Promise<string | undefined> {
    const stored = this.#use((storage) => storage.getItem(this.name));
    return stored instanceof Promise ? stored.then((value) => this.#remember(value)) : this.#remember(stored);
  }

  write(key: string): void {
    this.#lastKey = key;
    this.#removed = undefined;
    this.#change((storage) => storage.setItem(this.name, key));
  }

  /** Removes the key, unless another page has replaced it. */
  remove(key: string): void {
    this.#change((storage) => {
      const remove = (stored: unknown) => (stored === key ? storage.removeItem(this.name) : undefined);
      const stored = storage.getItem(this.name);
      return isPromiseLike(stored) ? Promise.resolve(stored).then(remove) : remove(stored);
    });
    this.#removed = key;
    if (this.#lastKey === key) this.#lastKey = undefined;
  }

  /**
   * Calls a listener when another page has changed the key.
   * @returns A function that removes the listener.
   */
  watch(listener: (key: string | undefined, previous: string | undefined) => void): () => void {
    if (!this.storage) return () => {};
    return onPageEvents(['storage'], (event) => {
      const { key: name } = event as { key?: string | null };
      // The name is `null` after `localStorage.clear()`.
      if (name !== this.name && name !== null) return;
      const previous = this.#lastKey;
      this.#removed = undefined;
      const stored = this.read();
      // Storages with events answer at once.
      if (!(stored instanceof Promise) && stored !== previous) listener(stored, previous);
    });
  }

  #remember(stored: unknown): string | undefined {
    this.#lastKey = isPrintableKey(stored) && stored !== this.#removed ? stored : undefined;
    return this.#lastKey;
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
        return isPromiseLike(result) ? Promise.resolve(result) : result;
      } catch {
        return undefined;
      }
    };
    const result = this.#lastWrite ? this.#lastWrite.then(attempt) : attempt();
    return result instanceof Promise ? settledWithin(result, this.timeout) : result;
  }
}
