/** Tells which restart somebody may have met: only a restart excuses some of what clients see. */
export class Restarts {
  #begun = 0;
  #done = 0;

  begin(): void {
    this.#begun++;
  }

  end(): void {
    this.#done = this.#begun;
  }

  get count(): number {
    return this.#begun;
  }

  /** @returns Whether a restart went on at any time since now. */
  watch(): () => boolean {
    const done = this.#done;
    return () => this.#begun > done;
  }
}
