/** Number of actions of one key, and end of its time window. */
interface Window {
  count: number;
  readonly endsAt: number;
}

/** Counts actions by key within time windows. It deletes keys whose window is over, so that memory stays small. */
export class RateLimiter {
  readonly #windows = new Map<string, Window>();

  /**
   * @param limit Actions per window.
   * @param windowLength Length of a window, in ms.
   */
  constructor(
    private readonly limit: number,
    private readonly windowLength: number,
  ) {}

  /** Counts an action. */
  count(key: string): void {
    this.#current(key).count++;
  }

  /** Returns `true` if the limit is reached. */
  isReached(key: string): boolean {
    return this.#current(key).count >= this.limit;
  }

  #current(key: string): Window {
    const now = Date.now();
    const current = this.#windows.get(key);
    if (current && current.endsAt > now) return current;
    for (const [other, { endsAt }] of this.#windows) if (endsAt <= now) this.#windows.delete(other);
    const started = { count: 0, endsAt: now + this.windowLength };
    this.#windows.set(key, started);
    return started;
  }
}
