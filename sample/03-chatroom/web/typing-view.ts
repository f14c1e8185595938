import type { Person } from '../api/chat-api.js';
import { byId, setText } from './dom.js';

/** A person is shown as typing for this time after a signal, in ms. */
const SHOWN_FOR = 4_000;

/** Shows who is typing. It is hidden from screen readers, as it would interrupt messages. */
export class TypingView {
  readonly #element = byId('typing');
  readonly #typing = new Map<string, { readonly name: string; readonly timer: ReturnType<typeof setTimeout> }>();

  show({ id, name }: Person): void {
    clearTimeout(this.#typing.get(id)?.timer);
    this.#typing.set(id, { name, timer: setTimeout(() => this.stop(id), SHOWN_FOR) });
    this.#update();
  }

  stop(id: string): void {
    clearTimeout(this.#typing.get(id)?.timer);
    if (this.#typing.delete(id)) this.#update();
  }

  clear(): void {
    for (const id of this.#typing.keys()) this.stop(id);
  }

  #update(): void {
    const names = [...this.#typing.values()].map(({ name }) => name);
    if (names.length === 0) setText(this.#element, '');
    else if (names.length === 1) setText(this.#element, `${names[0]} is typing…`);
    else setText(this.#element, `${names.slice(0, -1).join(', ')} and ${names.at(-1)} are typing…`);
  }
}
