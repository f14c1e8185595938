/** Most failures that are kept: one defect may cause many, and the list counts as memory of the process. */
const MOST = 25;

/** The failures of one process of a run. */
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

  /** The kept failures, and the number of further ones. */
  list(): string[] {
    const left = this.#count - this.#texts.length;
    return left > 0 ? [...this.#texts, `… and ${left} more like these`] : [...this.#texts];
  }
}
