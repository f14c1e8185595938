/** Limits how many operations run at once. The others wait for their turn, in order. */
export class Turns {
  #running = 0;
  #waiting: (() => void)[] = [];
  /** The index of the first one in `#waiting` that still waits. */
  #first = 0;

  constructor(private readonly limit: number) {}

  /** @returns Resolves when the turn begins; `undefined` if it begins at once. Each turn ends with a call of `end()`. */
  begin(): Promise<void> | undefined {
    if (this.#running === this.limit) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#running++;
    return undefined;
  }

  end(): void {
    const next = this.#waiting[this.#first++];
    if (next) {
      next();
      return;
    }
    this.#running--;
    this.#waiting = [];
    this.#first = 0;
  }
}
