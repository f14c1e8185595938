import type { Message, RequestKey } from '../message.js';
import { OrderedRequests } from './ordered-requests.js';

/** Finds requests by their identifiers. A client should not, but may use one identifier for several requests at a time. */
export class RequestsByKey {
  /** The last request of each identifier. */
  readonly #last = new Map<RequestKey, Message>();
  /** The earlier ones. */
  readonly #earlier = new Map<RequestKey, OrderedRequests>();

  /** The last request that was added; `undefined` if there is none. */
  last(key: RequestKey): Message | undefined {
    return this.#last.get(key);
  }

  /** Does nothing if the request is the last one of its identifier already. */
  add(message: Message): void {
    const { key } = message;
    const previous = this.#last.get(key);
    if (previous === message) return;
    if (previous) {
      const earlier = this.#earlier.get(key) ?? new OrderedRequests();
      this.#earlier.set(key, earlier);
      earlier.add(previous);
    }
    this.#last.set(key, message);
  }

  /** Does nothing for a request that is not here. */
  remove(message: Message): void {
    const { key } = message;
    const earlier = this.#earlier.size > 0 ? this.#earlier.get(key) : undefined;
    if (this.#last.get(key) !== message) earlier?.remove(message);
    else if (earlier?.last) {
      this.#last.set(key, earlier.last);
      earlier.remove(earlier.last);
    } else this.#last.delete(key);
    if (earlier && !earlier.last) this.#earlier.delete(key);
  }
}
