import type { Draft } from '../api/chat-api.js';

/** A message that is not sent yet. */
export interface OutgoingMessage extends Draft {
  /** Reason why it was not sent, for people; `undefined` while it waits or is being sent. */
  readonly failure?: string;
}

/** The result of an attempt to send. */
export type Outcome =
  | { readonly status: 'sent' }
  | { readonly status: 'interrupted' }
  | { readonly status: 'refused'; readonly reason: string };

/** Sends messages one after the other, in order. If an attempt is interrupted, the message stays for the next `flush()`. */
export class Outbox {
  #messages: OutgoingMessage[] = [];
  #isSending = false;

  /**
   * @param send Sends a message.
   * @param changed Called when `messages` has changed.
   */
  constructor(
    private readonly send: (draft: Draft) => Promise<Outcome>,
    private readonly changed: () => void,
  ) {}

  get messages(): readonly OutgoingMessage[] {
    return this.#messages;
  }

  /** Adds a message at the end; `flush()` sends it. @returns Its nonce. */
  add(text: string): string {
    const nonce = makeNonce();
    this.#replace([...this.#messages, { nonce, text }]);
    return nonce;
  }

  /** Queues a rejected message again, for the next `flush()`. */
  revive(nonce: string): void {
    this.#replace(this.#messages.map((message) => (message.nonce === nonce ? { nonce, text: message.text } : message)));
  }

  remove(nonce: string): void {
    if (this.#messages.some((message) => message.nonce === nonce)) {
      this.#replace(this.#messages.filter((message) => message.nonce !== nonce));
    }
  }

  clear(): void {
    this.#replace([]);
  }

  /** Sends the waiting messages, until an attempt is interrupted. */
  async flush(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      for (let next = this.#next; next; next = this.#next) {
        const { nonce, text } = next;
        const outcome = await this.send({ nonce, text });
        if (outcome.status === 'interrupted') return;
        if (outcome.status === 'sent') this.remove(nonce);
        else {
          const failed = { nonce, text, failure: outcome.reason };
          this.#replace(this.#messages.map((message) => (message.nonce === nonce ? failed : message)));
        }
      }
    } finally {
      this.#isSending = false;
    }
  }

  get #next(): OutgoingMessage | undefined {
    return this.#messages.find(({ failure }) => failure === undefined);
  }

  #replace(messages: OutgoingMessage[]): void {
    this.#messages = messages;
    this.changed();
  }
}

/** Returns a random UUID. `crypto.randomUUID()` exists only on secure origins, so not for `http:` in a local network. */
function makeNonce(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
}
