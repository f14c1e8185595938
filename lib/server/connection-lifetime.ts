import { setMaxListeners } from 'node:events';

/** Reports the end of a connection to the handlers that still run for it. */
export class ConnectionLifetime {
  #isOver = false;
  #listeners: Set<() => void> | undefined;
  #controller: AbortController | undefined;

  /** True if the connection is gone. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Aborts when the connection is gone. Made on first use, as most handlers do not use it; all handlers share one. */
  get abortSignal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      // Each running handler may add a listener, so that Node's warning about many listeners would be wrong.
      setMaxListeners(0, this.#controller.signal);
      if (this.#isOver) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Calls `listener` once, when the connection is gone. It must not throw. */
  add(listener: () => void): void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
  }

  remove(listener: () => void): void {
    this.#listeners?.delete(listener);
  }

  /** Called when the connection is gone. */
  end(): void {
    this.#isOver = true;
    this.#controller?.abort();
    for (const listener of this.#listeners ?? []) listener();
    this.#listeners = undefined;
  }
}
