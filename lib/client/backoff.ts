/** How long to wait before connecting again. */
export interface ReconnectOptions {
  /**
   * Longest delay before the first attempt, in milliseconds: 1 to 2 147 483 647.
   * @default 250
   */
  minDelay?: number;
  /**
   * No delay is longer, in milliseconds: `minDelay` to 2 147 483 647.
   * @default 15_000
   */
  maxDelay?: number;
  /**
   * By how much the delay grows from attempt to attempt: at least 1.
   * @default 2
   */
  factor?: number;
  /**
   * Which part of a delay is random, so that the clients of a server that was restarted do not all come back at once: 0 to 1,
   * where 1 is any delay up to the full one, and 0 always the full one.
   * @default 1
   */
  jitter?: number | boolean;
}

/** Capped exponential backoff with jitter. */
export class Backoff {
  #attempts = 0;

  constructor(private readonly options: Readonly<Required<ReconnectOptions>>) {}

  /** Attempts since the last reset. */
  get attempts(): number {
    return this.#attempts;
  }

  /** The delay before the next attempt, in whole milliseconds: at least one. */
  next(): number {
    const { minDelay, maxDelay, factor, jitter } = this.options;
    const delay = Math.min(maxDelay, minDelay * factor ** this.#attempts++);
    return Math.max(1, Math.round(delay * (1 - Number(jitter) * Math.random())));
  }

  reset(): void {
    this.#attempts = 0;
  }
}
