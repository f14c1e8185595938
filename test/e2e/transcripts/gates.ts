class Gate {
  open!: () => void;
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

/** Gates by name. `open()` lets one caller of `pass()` through, also if it is called first. */
export class Gates {
  readonly #gates = new Map<string, Gate>();

  async pass(key: string): Promise<void> {
    await this.#gate(key).opened;
    this.#gates.delete(key);
  }

  open(key: string): void {
    this.#gate(key).open();
  }

  #gate(key: string): Gate {
    const gate = this.#gates.get(key) ?? new Gate();
    this.#gates.set(key, gate);
    return gate;
  }
}
