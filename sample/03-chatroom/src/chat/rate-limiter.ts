/** How much somebody did, and until when that counts. */
interface Window {
  count: number;
  readonly endsAt: number;
}

/** Counts what each does, in windows of time. Forgets those whose window is over, so that it stays small. */
export class RateLimiter {
  readonly #windows = new Map<string, Window>();

  /**
   * @param limit How often in a window.
   * @param windowLength In ms.
   */
  constructor(
    private readonly limit: number,
    private readonly windowLength: number,
  ) {}

  /** Counts one. */
  count(key: string): void {
    this.#current(key).count++;
  }

  /** Whether the limit is reached. */
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
