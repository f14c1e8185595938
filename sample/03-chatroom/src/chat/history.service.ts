import { Injectable } from '@nestjs/common';
import { PAGE_SIZE, type ChatMessage, type Draft, type Page, type Person } from '../../api/chat-api.js';

/** How many messages are kept. */
const MAX_MESSAGES = 300;

/** What became of a draft. */
export interface Addition {
  readonly message: ChatMessage;
  /** Whether it was not sent before. */
  readonly isNew: boolean;
}

/** The last messages, in memory: a restart forgets them. A subclass may keep them elsewhere, and answer later. */
@Injectable()
export class HistoryService {
  readonly #messages: ChatMessage[] = [];
  #lastId = 0;

  /** The message that a draft became, if it was sent before. */
  find(sender: Person, draft: Draft): ChatMessage | undefined | Promise<ChatMessage | undefined> {
    return this.#find(sender, draft);
  }

  /** Makes a message of a draft, once. */
  add(sender: Person, draft: Draft): Addition | Promise<Addition> {
    const sentBefore = this.#find(sender, draft);
    return sentBefore ? { message: sentBefore, isNew: false } : { message: this.#add(sender, draft), isNew: true };
  }

  /** The last messages, or the last of those before one. */
  page(before = Infinity): Page | Promise<Page> {
    const messages = this.#messages.filter(({ id }) => id < before);
    return { messages: messages.slice(-PAGE_SIZE), hasEarlier: messages.length > PAGE_SIZE };
  }

  #find(sender: Person, { nonce }: Draft): ChatMessage | undefined {
    return this.#messages.findLast((message) => message.nonce === nonce && message.sender.id === sender.id);
  }

  #add(sender: Person, { nonce, text }: Draft): ChatMessage {
    const sentAt = Date.now();
    // Identifiers come from the clock, so that they go on growing after a restart.
    this.#lastId = Math.max(this.#lastId + 1, sentAt);
    const message = { id: this.#lastId, nonce, text, sender, sentAt };
    this.#messages.push(message);
    if (this.#messages.length > MAX_MESSAGES) this.#messages.shift();
    return message;
  }
}
