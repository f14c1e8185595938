import type { ChatMessage, Person } from '../api/chat-api.js';
import type { OutgoingMessage } from '../client/outbox.js';
import { byId, make } from './dom.js';
import { makeMessage, makeOutgoing, type OutgoingActions } from './message-item.js';

/** If the end of the log is less than this distance away, the log follows new messages, in pixels. */
const NEAR_END = 60;

/** A message in the log. Its appearance depends on the message before it, so it is replaced when that one changes. */
interface Shown {
  readonly previous: ChatMessage | undefined;
  readonly item: HTMLLIElement;
}

/** Content of the log. */
export interface LogContent {
  readonly messages: readonly ChatMessage[];
  readonly outgoing: readonly OutgoingMessage[];
  readonly hasEarlier: boolean;
  readonly isConnected: boolean;
  readonly me: Person;
}

/** Shows the messages. It scrolls to new ones if the last one is visible; otherwise it shows their number. */
export class LogView {
  readonly #log = byId('log');
  readonly #messages = byId('messages');
  readonly #outgoing = byId('outgoing');
  readonly #earlier = byId('earlier', HTMLButtonElement);
  readonly #empty = byId('empty');
  readonly #newMessages = byId('new-messages', HTMLButtonElement);
  #items = new Map<ChatMessage, Shown>();
  #shown: readonly ChatMessage[] = [];
  #shownOutgoing: readonly OutgoingMessage[] = [];
  #wasConnected = false;
  #isFollowing = true;
  #unread = 0;

  constructor(
    private readonly actions: OutgoingActions,
    showEarlier: () => Promise<void>,
  ) {
    this.#log.addEventListener('scroll', () => {
      this.#isFollowing = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR_END;
      if (this.#isFollowing) this.#showUnread(0);
    });
    // The size changes when the keyboard of a phone opens, or when the composer grows.
    new ResizeObserver(() => this.#follow()).observe(this.#log);
    this.#newMessages.addEventListener('click', () => this.toEnd());
    this.#earlier.addEventListener('click', () => void showEarlier());
  }

  show({ messages, outgoing, hasEarlier, isConnected, me }: LogContent): void {
    const fromEnd = this.#log.scrollHeight - this.#log.scrollTop;
    const last = this.#shown.at(-1);
    const first = this.#shown[0];
    this.#showMessages(messages, me);
    this.#showOutgoing(outgoing, isConnected);
    this.#earlier.hidden = !hasEarlier;
    this.#empty.hidden = messages.length + outgoing.length > 0;
    if (this.#isFollowing) this.#follow();
    else {
      // Keeps the visible messages in place when earlier ones are added above them.
      if (messages[0] !== first) this.#log.scrollTop = this.#log.scrollHeight - fromEnd;
      const added = messages.filter(({ id, sender }) => id > (last?.id ?? Infinity) && sender.id !== me.id);
      this.#showUnread(this.#unread + added.length);
    }
  }

  /** Scrolls to the last message, and follows new ones. */
  toEnd(): void {
    this.#isFollowing = true;
    this.#follow();
    this.#showUnread(0);
  }

  #showMessages(messages: readonly ChatMessage[], me: Person): void {
    if (messages === this.#shown) return;
    // Screen readers should not read many messages at once, such as a page of the history.
    this.#log.ariaBusy = String(messages.length - this.#shown.length > 3);
    this.#shown = messages;
    const items = new Map<ChatMessage, Shown>();
    for (const [at, message] of messages.entries()) {
      const previous = messages[at - 1];
      const known = this.#items.get(message);
      const item = known && known.previous === previous ? known.item : makeMessage(message, previous, me);
      items.set(message, { previous, item });
    }
    for (const [message, { item }] of this.#items) if (items.get(message)?.item !== item) item.remove();
    this.#items = items;
    for (const [at, { item }] of [...items.values()].entries()) {
      const there = this.#messages.children[at];
      if (there !== item) this.#messages.insertBefore(item, there ?? null);
    }
    this.#log.ariaBusy = 'false';
  }

  #showOutgoing(outgoing: readonly OutgoingMessage[], isConnected: boolean): void {
    if (outgoing === this.#shownOutgoing && isConnected === this.#wasConnected) return;
    this.#shownOutgoing = outgoing;
    this.#wasConnected = isConnected;
    this.#outgoing.replaceChildren(...outgoing.map((message) => makeOutgoing(message, isConnected, this.actions)));
  }

  #follow(): void {
    if (this.#isFollowing) this.#log.scrollTop = this.#log.scrollHeight;
  }

  #showUnread(count: number): void {
    this.#unread = count;
    this.#newMessages.hidden = count === 0;
    const text = count === 1 ? '1 new message' : `${count} new messages`;
    this.#newMessages.replaceChildren(text, make('span', { text: ' ↓', attributes: { 'aria-hidden': 'true' } }));
  }
}
