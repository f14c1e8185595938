/** Records restarts of the server: some results are valid for clients only during a restart. */
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

  /** @returns A function that returns true if the server was restarting at any time since this call. */
  watch(): () => boolean {
    const done = this.#done;
    return () => this.#begun > done;
  }
}
