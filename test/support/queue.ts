interface Waiter<T> {
  readonly isWanted: (item: T) => boolean;
  readonly resolve: (item: T) => void;
  readonly reject: (error: Error) => void;
}

/** A queue of items that arrived. `take()` waits for an item that has not arrived yet. */
export class Queue<T> {
  #items: T[] = [];
  /** Number of items at the start of `#items` that were taken: to remove each of them would move all others. */
  #taken = 0;
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

  /** Ends the queue: pending and later calls of `take()` reject with the error when no item is left. */
  end(error: Error): void {
    this.#end = error;
    for (const { reject } of this.#waiters) reject(error);
    this.#waiters = [];
  }

  /** Takes the first item for which `isWanted` returns true; by default the first one. */
  take(isWanted: (item: T) => boolean = () => true): Promise<T> {
    for (let index = this.#taken; index < this.#items.length; index++) {
      const item = this.#items[index]!;
      if (!isWanted(item)) continue;
      if (index === this.#taken) this.#taken++;
      else this.#items.splice(index, 1);
      if (this.#taken > this.#items.length / 2) this.#forget();
      return Promise.resolve(item);
    }
    if (this.#end) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiters.push({ isWanted, resolve, reject });
    });
  }

  /** The items that were not taken. */
  get rest(): readonly T[] {
    this.#forget();
    return this.#items;
  }

  /** Removes the items that were taken. */
  #forget(): void {
    if (this.#taken > 0) this.#items = this.#items.slice(this.#taken);
    this.#taken = 0;
  }
}
