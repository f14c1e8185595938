import type { ChatMessage, Draft, Page, Person } from '../api/chat-api.js';

/** Maximum number of messages; more than the server has. */
const MAX_MESSAGES = 1_000;

/** The received messages, without duplicates, in the order in which they were sent. */
export class MessageLog {
  #messages: ChatMessage[] = [];
  #hasEarlier = false;
  readonly #keys = new Set<string>();

  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  /** `true` if the server has earlier messages. */
  get hasEarlier(): boolean {
    return this.#hasEarlier;
  }

  has(sender: Person, { nonce }: Pick<Draft, 'nonce'>): boolean {
    return this.#keys.has(`${sender.id} ${nonce}`);
  }

  /** Inserts messages in order, without those that are already in the log. @returns The new ones. */
  add(messages: readonly ChatMessage[]): readonly ChatMessage[] {
    // After a restart, the server may assign a new identifier to a message that is sent again. The nonce does not change.
    const added = messages.filter((message) => !this.has(message.sender, message));
    for (const { sender, nonce } of added) this.#keys.add(`${sender.id} ${nonce}`);
    this.#messages = [...this.#messages, ...added].sort((a, b) => a.id - b.id);
    for (const { sender, nonce } of this.#messages.splice(0, this.#messages.length - MAX_MESSAGES)) {
      this.#keys.delete(`${sender.id} ${nonce}`);
    }
    return added;
  }

  /** Adds an earlier page of the history. */
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
