import {
  DisconnectedError,
  isTimeout,
  RequestError,
  ServerShutdownError,
  WebwireClient,
  type ClientOptions,
} from 'nestjs-webwire/client';
import {
  chat,
  TICKET_EXPIRED,
  type ChatApi,
  type ChatMessage,
  type Draft,
  type Page,
  type Person,
} from '../api/chat-api.js';
import type { ChatListener, ConnectionState } from './chat-listener.js';
import { MessageLog } from './message-log.js';
import { Outbox, type OutgoingMessage, type Outcome } from './outbox.js';
import { withTicket } from './with-ticket.js';

/** Timeout of a request, including the time to connect again, in ms. */
const REQUEST_TIMEOUT = 20_000;

/** Longest delay before an attempt to connect, in ms. It is short, because people wait for the connection. */
const MAX_RECONNECT_DELAY = 5_000;

/**
 * The chat client without a user interface, for browser and terminal. It enters the room on each
 * connection, loads the messages that it missed, and sends the messages that wait.
 */
export class ChatClient {
  readonly #client: WebwireClient<ChatApi>;
  readonly #listener: ChatListener;
  readonly #log = new MessageLog();
  readonly #outbox: Outbox;
  #connection: ConnectionState = { status: 'connecting' };
  #me: Person | null | undefined;
  #people: readonly Person[] = [];
  #isSigning = false;
  #hasEntered = false;
  /** The connection ended because its ticket expired: the next one is not worth a notice. */
  #isRenewing = false;
  /** Identifier of the last message before the connection was lost; 0 if there was none, `undefined` before the first `enter`. */
  #seenUpTo: number | undefined;

  constructor(url: string, listener: ChatListener, options: ClientOptions = {}) {
    this.#listener = listener;
    this.#client = new WebwireClient<ChatApi>(() => withTicket(url), {
      contract: chat,
      requestTimeout: REQUEST_TIMEOUT,
      reconnect: { maxDelay: MAX_RECONNECT_DELAY },
      ...options,
    });
    this.#outbox = new Outbox(
      (draft) => this.#say(draft),
      () => listener.changed(),
    );
    this.#listen();
  }

  get connection(): ConnectionState {
    return this.#connection;
  }

  /** The person who is signed in; `null` if nobody is, `undefined` before the first connection. */
  get me(): Person | null | undefined {
    return this.#me;
  }

  get people(): readonly Person[] {
    return this.#people;
  }

  get messages(): readonly ChatMessage[] {
    return this.#log.messages;
  }

  get hasEarlier(): boolean {
    return this.#log.hasEarlier;
  }

  /** Messages that are not sent yet, or that the server rejected. */
  get outgoing(): readonly OutgoingMessage[] {
    return this.#outbox.messages;
  }

  /**
   * Connects without the delay before the next attempt, and stays connected until `close()`.
   *
   * @throws Error if further attempts cannot succeed.
   */
  async connect(): Promise<void> {
    await this.#client.connect({ retry: true });
  }

  /** @throws RequestError with a message for people; another error if the server does not reply. */
  async signIn(name: string, password: string): Promise<void> {
    this.#isSigning = true;
    try {
      await this.#client.request('signIn', { name, password });
      await this.#enter();
    } finally {
      this.#isSigning = false;
    }
  }

  /** Closes the session on all its connections. */
  async signOut(): Promise<void> {
    this.#isSigning = true;
    try {
      await this.#client.request('signOut');
      this.#forget();
    } finally {
      this.#isSigning = false;
    }
  }

  /** Sends a message as soon as there is a connection. It is in `outgoing` until it is sent. @returns Its nonce. */
  send(text: string): string {
    const nonce = this.#outbox.add(text);
    this.#flush();
    return nonce;
  }

  /** Sends a message again that the server rejected. */
  resend(nonce: string): void {
    this.#outbox.revive(nonce);
    this.#flush();
  }

  discard(nonce: string): void {
    this.#outbox.remove(nonce);
  }

  /** Sends a typing signal. Does nothing without a connection. */
  typing(): void {
    if (this.#hasEntered) this.#client.signal('typing').catch(() => undefined);
  }

  /** Loads the page before the first message of the log. */
  async showEarlier(): Promise<readonly ChatMessage[]> {
    const oldest = this.messages[0];
    if (!oldest || !this.hasEarlier) return [];
    const { body: page } = await this.#client.request('history', { before: oldest.id });
    const added = this.#log.addEarliest(page);
    this.#listener.changed();
    return added;
  }

  /** Closes the connection. The session is not closed, and can be restored. */
  async close(): Promise<void> {
    await this.#client.close();
  }

  #listen(): void {
    const client = this.#client;
    client.on('connected', ({ isReconnect }) => this.#connected(isReconnect));
    client.on('reconnecting', ({ attempt, delay }) => {
      if (attempt > 1) this.#isRenewing = false;
      if (this.#isRenewing) return;
      this.#setConnection({ status: 'reconnecting', nextAttemptAt: Date.now() + delay });
    });
    client.on('disconnected', ({ code }) => {
      this.#isRenewing = code === TICKET_EXPIRED;
      this.#lost();
    });
    client.on('sessionClosed', ({ reason }) => {
      if (this.#isSigning) return;
      this.#forget();
      const isElsewhere = reason === 'server' || reason === 'other-tab';
      this.#listener.notice(isElsewhere ? 'signed-out-elsewhere' : 'session-gone');
    });
    client.on('sessionRestored', () => this.#connected(false));
    client.onSignal('message', ({ body }) => this.#add(this.#log.add([body])));
    client.onSignal('people', ({ body }) => {
      this.#people = body;
      this.#listener.changed();
    });
    client.onSignal('typing', ({ body }) => {
      // Another tab or device of the same person has sent the message.
      if (body.id !== this.#me?.id) this.#listener.typing?.(body);
    });
  }

  /** Called when the client has connected and restored the session, if there is one. */
  async #connected(isReconnect: boolean): Promise<void> {
    this.#setConnection({ status: 'connected' });
    if (!this.#client.session) {
      this.#forget();
      return;
    }
    try {
      const isQuiet = this.#isRenewing;
      if ((await this.#enter()) && !isQuiet) this.#listener.notice(isReconnect ? 'reconnected' : 'restored');
    } catch (error) {
      await this.#notEntered(error);
    }
  }

  /** Called when the client has a session but could not enter. */
  async #notEntered(reason: unknown): Promise<void> {
    // If the connection is lost, the next one tries again.
    if (reason instanceof DisconnectedError || reason instanceof ServerShutdownError) return;
    if (!(reason instanceof RequestError)) {
      this.#listener.notice('failed');
      return;
    }
    // The person is signing out, or a notice about the end of the session was shown already.
    if (this.#isSigning || !this.#client.session) return;
    await this.#client.closeSession().catch(() => undefined);
    this.#forget();
    this.#listener.notice('session-gone');
  }

  /** @returns `true` if the client has entered the room. */
  async #enter(): Promise<boolean> {
    const { body: entry } = await this.#client.request('enter');
    if (!this.#client.session) return false; // it was closed during the request
    this.#me = entry.me;
    this.#people = entry.people;
    await this.#catchUp(entry.page);
    if (!this.#client.session) return false;
    this.#hasEntered = true;
    this.#listener.changed();
    this.#flush();
    return true;
  }

  /** Adds the newest messages, and those between them and the last message before the connection was lost. */
  async #catchUp(newest: Page): Promise<void> {
    if (this.#seenUpTo === undefined) {
      this.#add(this.#log.addEarliest(newest));
      return;
    }
    let { messages, hasEarlier } = newest;
    while (hasEarlier && messages[0] && messages[0].id > this.#seenUpTo) {
      const { body: earlier } = await this.#client.request('history', { before: messages[0].id });
      messages = [...earlier.messages, ...messages];
      hasEarlier = earlier.hasEarlier;
    }
    this.#add(this.#log.add(messages));
  }

  /** Called after new messages were added to the log. */
  #add(messages: readonly ChatMessage[]): void {
    for (const { sender, nonce } of messages) if (sender.id === this.#me?.id) this.#outbox.remove(nonce);
    if (messages.length > 0) this.#listener.said?.(messages);
    this.#listener.changed();
  }

  #lost(): void {
    if (this.#hasEntered) this.#seenUpTo = this.messages.at(-1)?.id ?? 0;
    this.#hasEntered = false;
  }

  /** Called after signing out. It deletes the messages, so that the next person does not see them. */
  #forget(): void {
    this.#me = null;
    this.#people = [];
    this.#hasEntered = false;
    this.#seenUpTo = undefined;
    this.#log.clear();
    this.#outbox.clear();
    this.#listener.changed();
  }

  #flush(): void {
    if (this.#hasEntered) void this.#outbox.flush();
  }

  async #say(draft: Draft): Promise<Outcome> {
    try {
      const { body: message } = await this.#client.request('say', draft);
      this.#add(this.#log.add([message]));
      return { status: 'sent' };
    } catch (error) {
      // The server may have received it. The nonce prevents that it appears twice.
      if (error instanceof DisconnectedError || error instanceof ServerShutdownError) return { status: 'interrupted' };
      return { status: 'refused', reason: isTimeout(error) ? 'the server does not answer' : (error as Error).message };
    }
  }

  #setConnection(connection: ConnectionState): void {
    this.#connection = connection;
    this.#listener.changed();
  }
}
