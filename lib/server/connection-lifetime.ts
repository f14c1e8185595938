import { setMaxListeners } from 'node:events';

/** Whether a client is still there to get an answer, and who wants to know when it is not. */
export class ConnectionLifetime {
  #isOver = false;
  #listeners: Set<() => void> | undefined;
  #controller: AbortController | undefined;

  /** Whether the client is gone. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Aborts when it is. Made on first use, as most handlers never ask for it, and one for all of them. */
  get abortSignal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      // However many handlers listen.
      setMaxListeners(0, this.#controller.signal);
      if (this.#isOver) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Calls `listener` once when it is over. It must not throw. */
  add(listener: () => void): void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
  }

  remove(listener: () => void): void {
    this.#listeners?.delete(listener);
  }

  /** The client is gone. */
  end(): void {
    this.#isOver = true;
    this.#controller?.abort();
    for (const listener of this.#listeners ?? []) listener();
    this.#listeners = undefined;
  }
}
