import { Injectable } from '@nestjs/common';
import { PAGE_SIZE, type ChatMessage, type Draft, type Page, type Person } from '../../api/chat-api.js';

/** Maximum number of messages in the history. */
const MAX_MESSAGES = 300;

/** The result of adding a draft. */
export interface Addition {
  readonly message: ChatMessage;
  /** `false` if the draft was sent before. */
  readonly isNew: boolean;
}

/** Stores the last messages in memory, until a restart. Methods may be asynchronous, so that a subclass can use a database. */
@Injectable()
export class HistoryService {
  readonly #messages: ChatMessage[] = [];
  #lastId = 0;

  /** Returns the message of a draft that was sent before. */
  find(sender: Person, draft: Draft): ChatMessage | undefined | Promise<ChatMessage | undefined> {
    return this.#find(sender, draft);
  }

  /** Adds a message. A draft that was sent before is not added again. */
  add(sender: Person, draft: Draft): Addition | Promise<Addition> {
    const sentBefore = this.#find(sender, draft);
    return sentBefore ? { message: sentBefore, isNew: false } : { message: this.#add(sender, draft), isNew: true };
  }

  /** Returns the last messages, or the last ones before a message. */
  page(before = Infinity): Page | Promise<Page> {
    const messages = this.#messages.filter(({ id }) => id < before);
    return { messages: messages.slice(-PAGE_SIZE), hasEarlier: messages.length > PAGE_SIZE };
  }

  #find(sender: Person, { nonce }: Draft): ChatMessage | undefined {
    return this.#messages.findLast((message) => message.nonce === nonce && message.sender.id === sender.id);
  }

  #add(sender: Person, { nonce, text }: Draft): ChatMessage {
    const sentAt = Date.now();
    // Identifiers are based on the time, so that they still increase after a restart.
    this.#lastId = Math.max(this.#lastId + 1, sentAt);
    const message = { id: this.#lastId, nonce, text, sender, sentAt };
    this.#messages.push(message);
    if (this.#messages.length > MAX_MESSAGES) this.#messages.shift();
    return message;
  }
}
