import { afterTurn, immediate } from './platform.js';

/**
 * Delivers items in order, each in a turn of its own: between two items, all promise reactions run.
 *
 * Browsers dispatch each message of a WebSocket in a turn of its own. Other platforms dispatch all messages that arrived in
 * one packet in a row, so that a handler of the second message would run before the code that awaited the first.
 *
 * An item is delivered at once if the present turn has had none. If it is a promise, later items wait for it.
 */
export class Inbox<Item> {
  readonly #waiting: (Item | PromiseLike<Item>)[] = [];
  /** An item was delivered in the present turn, or others wait for theirs. */
  #isTaken = false;
  /** A promise is waited for. */
  #isHeld = false;

  constructor(private readonly deliver: (item: Item) => void) {}

  push(item: Item | PromiseLike<Item>): void {
    if (this.#isTaken) {
      this.#waiting.push(item);
      // One call for each item: all of them run before the event loop reads from the network again.
      immediate?.(this.#next);
    } else {
      this.#isTaken = true;
      this.#take(item);
    }
  }

  #take(item: Item | PromiseLike<Item>): void {
    if (isPromise(item)) {
      this.#isHeld = true;
      item.then(this.#release);
      return;
    }
    // A browser has run all microtasks before it dispatches the next event.
    if (immediate) immediate(this.#next);
    else queueMicrotask(this.#next);
    this.deliver(item);
  }

  readonly #release = (item: Item): void => {
    this.#isHeld = false;
    // The calls for the items that wait have passed meanwhile.
    for (const _ of this.#waiting) immediate?.(this.#next);
    this.#take(item);
  };

  readonly #next = (): void => {
    if (this.#isHeld) return;
    if (this.#waiting.length === 0) this.#isTaken = false;
    else if (immediate) this.#deliverNext();
    else afterTurn(this.#deliverNext);
  };

  readonly #deliverNext = (): void => {
    const item = this.#waiting.shift()!;
    if (immediate && !isPromise(item)) this.deliver(item);
    else this.#take(item);
  };
}

function isPromise<Item>(item: Item | PromiseLike<Item>): item is PromiseLike<Item> {
  return typeof (item as { then?: unknown } | null)?.then === 'function';
}
