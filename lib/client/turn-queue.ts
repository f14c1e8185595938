import { isPromiseLike } from '../protocol/promise.js';
import { afterTurn, immediate } from './platform.js';

/**
 * Delivers items in order, one in each turn of the event loop: all promise reactions run between two items.
 *
 * Browsers dispatch each WebSocket message in its own turn. Other platforms dispatch all messages of a packet synchronously, so
 * that a handler of the second message would run before code that awaits the first.
 *
 * An item is delivered synchronously if no other was delivered in this turn. If an item is a promise, later items wait for it.
 */
export class TurnQueue<Item> {
  readonly #waiting: (Item | PromiseLike<Item>)[] = [];
  /** An item was delivered in this turn, or items wait for later turns. */
  #isTaken = false;
  /** The current item is a pending promise. */
  #isPending = false;

  constructor(private readonly deliver: (item: Item) => void) {}

  push(item: Item | PromiseLike<Item>): void {
    if (this.#isTaken) {
      this.#waiting.push(item);
      // One `setImmediate()` for each item, so that all are delivered before the event loop reads from the network again.
      immediate?.(this.#next);
    } else {
      this.#isTaken = true;
      this.#take(item);
    }
  }

  #take(item: Item | PromiseLike<Item>): void {
    if (isPromiseLike(item)) {
      this.#isPending = true;
      item.then(this.#release);
      return;
    }
    // Browsers run all microtasks before they dispatch the next event.
    if (immediate) immediate(this.#next);
    else queueMicrotask(this.#next);
    this.deliver(item);
  }

  readonly #release = (item: Item): void => {
    this.#isPending = false;
    // The calls of `setImmediate()` for the waiting items had no effect, so they are repeated.
    for (const _ of this.#waiting) immediate?.(this.#next);
    this.#take(item);
  };

  readonly #next = (): void => {
    if (this.#isPending) return;
    if (this.#waiting.length === 0) this.#isTaken = false;
    else if (immediate) this.#deliverNext();
    else afterTurn(this.#deliverNext);
  };

  readonly #deliverNext = (): void => {
    const item = this.#waiting.shift()!;
    if (immediate && !isPromiseLike(item)) this.deliver(item);
    else this.#take(item);
  };
}
