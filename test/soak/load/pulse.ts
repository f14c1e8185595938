/** How often it beats, in milliseconds. */
const INTERVAL = 100;

/** A beat that is so late tells of a standstill, in milliseconds. */
const STANDSTILL = 1_000;

/** For so long a standstill explains why connections close, in milliseconds. */
const AFTERMATH = 10_000;

/**
 * Knows when this process got no time: clients that neither send nor read for a while are rightly taken for gone, for which
 * the server is not to blame.
 */
export class Pulse {
  #lastBeat = Date.now();
  #lastStandstill = -Infinity;
  #longest = 0;
  readonly #timer = setInterval(() => this.#beat(), INTERVAL);

  /** The longest standstill so far, in milliseconds. */
  get longest(): number {
    return this.#longest;
  }

  /** Whether clients have been held up a short while ago. */
  hasStopped(): boolean {
    // Whoever asks may be quicker than the timer.
    this.#beat();
    return Date.now() - this.#lastStandstill < AFTERMATH;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const now = Date.now();
    const late = now - this.#lastBeat - INTERVAL;
    this.#lastBeat = now;
    if (late > STANDSTILL) this.#lastStandstill = now;
    this.#longest = Math.max(this.#longest, late);
  }
}
