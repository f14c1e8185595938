import type { Message } from '../message.js';

/** Shorter arrays are not shortened. */
const SHORT = 32;

/** Requests in order. An array in which each request knows its place, as a `Set` takes longer, and has no last entry. */
export class OrderedRequests {
  #messages: (Message | undefined)[] = [];
  #size = 0;

  /** `undefined` if there is none. */
  get last(): Message | undefined {
    return this.#messages.at(-1);
  }

  add(message: Message): void {
    message.place = this.#messages.length;
    this.#messages.push(message);
    this.#size++;
  }

  /** Does nothing for a request that is not here. */
  remove(message: Message): void {
    const messages = this.#messages;
    if (messages[message.place] !== message) return;
    messages[message.place] = undefined;
    this.#size--;
    while (messages.length > 0 && messages.at(-1) === undefined) messages.pop();
    if (messages.length > SHORT && messages.length > 2 * this.#size) this.takeAll().forEach((left) => this.add(left));
  }

  /** Removes all. */
  takeAll(): readonly Message[] {
    const messages = this.#messages.filter((message) => message !== undefined);
    this.#messages = [];
    this.#size = 0;
    return messages;
  }
}
