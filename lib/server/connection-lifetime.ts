/** A message whose handler waits for the end of the connection. */
export interface Endable {
  end(): void;
}

/** Reports the end of a connection to the handlers that still run for it. */
export class ConnectionLifetime {
  #isOver = false;
  #messages: Set<Endable> | undefined;

  /** True if the connection is gone. */
  get isOver(): boolean {
    return this.#isOver;
  }

  add(message: Endable): void {
    this.#messages ??= new Set();
    this.#messages.add(message);
  }

  remove(message: Endable): void {
    this.#messages?.delete(message);
  }

  /** Called when the connection is gone. */
  end(): void {
    this.#isOver = true;
    for (const message of this.#messages ?? []) message.end();
    this.#messages = undefined;
  }
}
