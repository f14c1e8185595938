/**
 * A queue of items: first in, first out. Its operations take constant time on average. `shift()` of a long array does not, as it
 * moves all other items.
 */
export class Fifo<Item> {
  #added: Item[] = [];
  /** The items before those in `#added`, the first one at the end. */
  #next: Item[] = [];

  get length(): number {
    return this.#next.length + this.#added.length;
  }

  /** `undefined` if the queue is empty. */
  get first(): Item | undefined {
    return this.#next.length > 0 ? this.#next.at(-1) : this.#added[0];
  }

  push(item: Item): void {
    this.#added.push(item);
  }

  /** Removes the first item. Returns `undefined` if the queue is empty. */
  shift(): Item | undefined {
    if (this.#next.length === 0) {
      this.#next = this.#added.toReversed();
      this.#added = [];
    }
    return this.#next.pop();
  }
}
