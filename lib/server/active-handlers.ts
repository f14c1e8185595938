/** Counts the running handlers of one server. The count and the flag are plain values, as every message reads them. */
export class ActiveHandlers {
  /** True while the server drains: requests are then refused and signals dropped (docs/PROTOCOL.md, section 8). */
  isDraining = false;
  #running = 0;

  /** @param onFinished Called each time a handler has ended. */
  constructor(private readonly onFinished: () => void) {}

  /** The number of handlers that run. */
  get running(): number {
    return this.#running;
  }

  started(): void {
    this.#running++;
  }

  /** Called when a handler has ended and its reply was sent. */
  finished(): void {
    this.#running--;
    this.onFinished();
  }
}
