/** Interval of the beats, in milliseconds. */
const INTERVAL = 100;

/** A delay of a beat that counts as a standstill, in milliseconds. */
const STANDSTILL = 1_000;

/** The time after a standstill in which it explains the end of connections, in milliseconds. */
const AFTERMATH = 10_000;

/**
 * Detects times in which this process got no CPU time: then its clients neither send nor read, and the server may rightly
 * disconnect them.
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

  /** True if a standstill ended a short time ago. */
  hasStopped(): boolean {
    // The call may come before the timer fires.
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
