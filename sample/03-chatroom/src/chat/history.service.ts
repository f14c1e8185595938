import { Injectable } from '@nestjs/common';
import { PAGE_SIZE, type ChatMessage, type Draft, type Page, type Person } from '../../api/chat-api.js';

/** How many messages are kept. */
const MAX_MESSAGES = 300;

/** The last messages, in memory: a restart forgets them. */
@Injectable()
export class HistoryService {
  readonly #messages: ChatMessage[] = [];
  #lastId = 0;

  /** The message that a draft became, if it was sent before. */
  find(sender: Person, { nonce }: Draft): ChatMessage | undefined {
    return this.#messages.findLast((message) => message.nonce === nonce && message.sender.id === sender.id);
  }

  add(sender: Person, { nonce, text }: Draft): ChatMessage {
    const sentAt = Date.now();
    // Identifiers come from the clock, so that they go on growing after a restart.
    this.#lastId = Math.max(this.#lastId + 1, sentAt);
    const message = { id: this.#lastId, nonce, text, sender, sentAt };
    this.#messages.push(message);
    if (this.#messages.length > MAX_MESSAGES) this.#messages.shift();
    return message;
  }

  /** The last messages, or the last of those before one. */
  page(before = Infinity): Page {
    const messages = this.#messages.filter(({ id }) => id < before);
    return { messages: messages.slice(-PAGE_SIZE), hasEarlier: messages.length > PAGE_SIZE };
  }
}
