import type { ChatMessage, Draft, Page, Person } from '../api/chat-api.js';

/** How many messages are kept; more than the server has. */
const MAX_MESSAGES = 1_000;

/** The messages that are known, each once, in the order in which they were sent. */
export class MessageLog {
  #messages: ChatMessage[] = [];
  #hasEarlier = false;
  readonly #keys = new Set<string>();

  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  /** Whether the server has messages before these. */
  get hasEarlier(): boolean {
    return this.#hasEarlier;
  }

  has(sender: Person, { nonce }: Pick<Draft, 'nonce'>): boolean {
    return this.#keys.has(`${sender.id} ${nonce}`);
  }

  /** Adds those that are not there yet, wherever they belong. @returns Those. */
  add(messages: readonly ChatMessage[]): readonly ChatMessage[] {
    // The server may number a message anew that is sent to it again after a restart: what stays is the sender's nonce.
    const added = messages.filter((message) => !this.has(message.sender, message));
    for (const { sender, nonce } of added) this.#keys.add(`${sender.id} ${nonce}`);
    this.#messages = [...this.#messages, ...added].sort((a, b) => a.id - b.id);
    for (const { sender, nonce } of this.#messages.splice(0, this.#messages.length - MAX_MESSAGES)) {
      this.#keys.delete(`${sender.id} ${nonce}`);
    }
    return added;
  }

  /** Adds a page of the history that reaches back further than what is known. */
  addEarliest({ messages, hasEarlier }: Page): readonly ChatMessage[] {
    this.#hasEarlier = hasEarlier;
    return this.add(messages);
  }

  clear(): void {
    this.#messages = [];
    this.#hasEarlier = false;
    this.#keys.clear();
  }
}
