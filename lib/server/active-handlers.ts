/** The handlers that run on one server, and whether it takes more: asked for each message, so both are plain values. */
export class ActiveHandlers {
  /** While the server drains, requests are refused and signals dropped (PROTOCOL.md, section 8). */
  isDraining = false;
  #running = 0;

  /** @param onFinished Called when a handler has ended. */
  constructor(private readonly onFinished: () => void) {}

  /** How many handlers run. */
  get running(): number {
    return this.#running;
  }

  /** A handler was started. */
  started(): void {
    this.#running++;
  }

  /** A handler is done, and its reply sent. */
  finished(): void {
    this.#running--;
    this.onFinished();
  }
}
