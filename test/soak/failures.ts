/** So many are kept: one defect shows up often, and what is kept counts as memory of the process. */
const MOST = 25;

/** What went wrong in one process of a run. */
export class Failures {
  readonly #begun = performance.now();
  readonly #texts: string[] = [];
  #count = 0;

  add(text: string): void {
    this.#count++;
    if (this.#texts.length < MOST) this.#texts.push(`after ${this.#seconds()} s: ${text}`);
  }

  #seconds(): string {
    return ((performance.now() - this.#begun) / 1000).toFixed(1);
  }

  /** All that are kept, and how many more there were. */
  list(): string[] {
    const left = this.#count - this.#texts.length;
    return left > 0 ? [...this.#texts, `… and ${left} more like these`] : [...this.#texts];
  }
}
