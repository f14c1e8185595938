interface Waiter<T> {
  readonly isWanted: (item: T) => boolean;
  readonly resolve: (item: T) => void;
  readonly reject: (error: Error) => void;
}

/** What arrived and nobody has taken yet; taking what is not there waits for it. */
export class Queue<T> {
  readonly #items: T[] = [];
  #waiters: Waiter<T>[] = [];
  #end: Error | undefined;

  push(item: T): void {
    const waiter = this.#waiters.find(({ isWanted }) => isWanted(item));
    if (!waiter) {
      this.#items.push(item);
      return;
    }
    this.#waiters = this.#waiters.filter((other) => other !== waiter);
    waiter.resolve(item);
  }

  /** Nothing more will arrive: whoever waits, now or later, gets the error. */
  end(error: Error): void {
    this.#end = error;
    for (const { reject } of this.#waiters) reject(error);
    this.#waiters = [];
  }

  /** The first item that is wanted; any, unless told which. */
  take(isWanted: (item: T) => boolean = () => true): Promise<T> {
    const index = this.#items.findIndex(isWanted);
    if (index !== -1) return Promise.resolve(this.#items.splice(index, 1)[0]!);
    if (this.#end) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ isWanted, resolve, reject });
    });
  }

  /** What nobody has taken so far. */
  get rest(): readonly T[] {
    return this.#items;
  }
}
