import { styleText } from 'node:util';
import { MAX_TEXT_LENGTH, type ChatMessage, type Person } from '../api/chat-api.js';
import { DEMO_ACCOUNTS } from '../api/demo-accounts.js';
import type { ChatClient } from '../client/chat-client.js';
import type { ChatListener, Notice } from '../client/chat-listener.js';
import { printable } from './printable.js';
import type { Terminal } from './terminal.js';

const HELP = [
  '/people   list the people in the room',
  '/earlier  show earlier messages',
  '/signout  sign out; without it you are still signed in the next time',
  '/quit     leave; so do Ctrl-C and Ctrl-D',
  '//…       say something that begins with a slash',
];

const NOTICES: Record<Exclude<Notice, 'restored'>, string> = {
  reconnected: 'The connection is back, and your session was restored.',
  'signed-out-elsewhere': 'You were signed out elsewhere or by the server.',
  'session-gone': 'Your session has ended. Sign in again.',
  failed: 'The server did not let you in. Try again later.',
};

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/** The user interface of the chat room in a terminal. */
export class ChatTerminal implements ChatListener {
  readonly #chat: ChatClient;
  /** Nonces of messages that were typed here, which are still visible and not printed again. */
  readonly #typed = new Set<string>();
  readonly #reported = new Set<string>();
  #people: readonly Person[] = [];
  #me: Person | null | undefined;
  #isConnected: boolean | undefined;
  #isStopping = false;
  /** Aborts the current question when its answer is no longer needed. */
  #question = new AbortController();
  #wake: () => void = () => undefined;

  /** @param connect Makes the client. */
  constructor(
    private readonly terminal: Terminal,
    connect: (listener: ChatListener) => ChatClient,
  ) {
    this.#chat = connect(this);
  }

  /** Runs until the input ends, `/quit` or `stop()`. */
  async run(): Promise<void> {
    this.#chat.connect().catch((error: Error) => {
      if (!this.#isStopping) this.#print(`The chat room cannot be reached: ${printable(error.message)}`);
      this.stop();
    });
    while (await this.#step());
    // Waits until the last messages are sent. At a keyboard, it does not wait for a lost connection.
    const isSaid = () => this.#chat.outgoing.every(({ failure }) => failure !== undefined);
    const isInVain = () => this.terminal.isInteractive && this.#chat.connection.status !== 'connected';
    await this.#until(() => isSaid() || isInVain());
    await this.#chat.close();
    this.terminal.close();
  }

  /** Ends the program, also during a question. */
  stop(): void {
    this.#isStopping = true;
    this.#question.abort();
    this.#wake();
  }

  changed(): void {
    this.#printConnection();
    this.#printPeople();
    this.#printFailures();
    if (this.#chat.me !== this.#me) {
      this.#me = this.#chat.me;
      this.#question.abort();
      this.#question = new AbortController();
    }
    this.#wake();
  }

  notice(notice: Notice): void {
    this.#print(
      notice === 'restored'
        ? `Welcome back, ${printable(this.#chat.me?.name ?? '')}: your session was restored.`
        : NOTICES[notice],
    );
  }

  said(messages: readonly ChatMessage[]): void {
    for (const message of messages) if (!this.#typed.delete(message.nonce)) this.#show(message);
  }

  /** Asks for a line and executes it. @returns `false` if there are no more lines. */
  async #step(): Promise<boolean> {
    await this.#until(() => this.#chat.me !== undefined || (this.terminal.isInteractive && this.terminal.hasEnded));
    if (this.#isStopping || this.terminal.hasEnded) return false;
    return this.#chat.me ? this.#converse(this.#chat.me) : this.#signIn();
  }

  async #signIn(): Promise<boolean> {
    const { signal } = this.#question;
    const accounts = DEMO_ACCOUNTS.map(({ name, password }) => `${name} (${password})`).join(', ');
    this.#print(`Sign in, with one of these names and its password: ${accounts}`);
    const name = await this.terminal.ask('Name: ', { signal });
    if (name === undefined) return signal.aborted;
    const password = await this.terminal.ask('Password: ', { signal, isSecret: true });
    if (password === undefined) return signal.aborted;
    try {
      await this.#chat.signIn(name.trim(), password);
      this.#print(`Welcome, ${printable(this.#chat.me?.name ?? '')}. Type to talk, /help for more.`);
    } catch (error) {
      this.#print(printable((error as Error).message));
    }
    return true;
  }

  async #converse(me: Person): Promise<boolean> {
    const { signal } = this.#question;
    const line = await this.terminal.ask(`${printable(me.name)}> `, { signal });
    if (line === undefined) return signal.aborted;
    const text = line.trim();
    switch (text) {
      case '':
        return true;
      case '/quit':
        return false;
      case '/help':
        for (const help of HELP) this.#print(help);
        return true;
      case '/people':
        this.#print(`In the room: ${names(this.#chat.people)}`);
        return true;
      case '/earlier':
        await this.#try('earlier messages could not be loaded', () => this.#showEarlier());
        return true;
      case '/signout':
        await this.#try('you could not be signed out', () => this.#chat.signOut());
        return true;
      default:
        this.#say(text);
        return true;
    }
  }

  #say(text: string): void {
    if (text.startsWith('/') && !text.startsWith('//')) {
      this.#print('There is no such command; /help lists all commands.');
      return;
    }
    const said = text.replace(/^\/\//, '/');
    if (said.length > MAX_TEXT_LENGTH) {
      this.#print(`Not sent: a message has at most ${MAX_TEXT_LENGTH} characters, this one has ${said.length}.`);
      return;
    }
    if (this.#chat.connection.status !== 'connected') this.#print('It will be sent when the connection is back.');
    const nonce = this.#chat.send(said);
    if (this.terminal.isInteractive) this.#typed.add(nonce);
  }

  async #showEarlier(): Promise<void> {
    const messages = await this.#chat.showEarlier();
    if (messages.length === 0) this.#print('There are no earlier messages.');
    for (const message of messages) this.#show(message);
  }

  async #try(failure: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#print(`Sorry, ${failure}: ${printable((error as Error).message)}`);
    }
  }

  #show({ sender, sentAt, text }: ChatMessage): void {
    const time = styleText('dim', clock.format(sentAt), { stream: process.stdout });
    const name = styleText('bold', printable(sender.name), { stream: process.stdout });
    this.terminal.print(`${time} ${name}: ${printable(text)}`);
  }

  #print(text: string): void {
    this.terminal.print(`${styleText('cyan', '*', { stream: process.stdout })} ${text}`);
  }

  #printConnection(): void {
    const { status } = this.#chat.connection;
    if (status === 'connecting' || (status === 'connected') === this.#isConnected) return;
    const isFirst = this.#isConnected === undefined;
    this.#isConnected = status === 'connected';
    if (this.#isConnected) this.#print('Connected.');
    else this.#print(isFirst ? 'The server cannot be reached, trying again…' : 'Connection lost, trying again…');
  }

  /** Prints who came and left; at the start, the whole list. */
  #printPeople(): void {
    const { people, me } = this.#chat;
    if (people === this.#people) return;
    const before = this.#people;
    this.#people = people;
    if (people.length === 0) return;
    if (before.length === 0) this.#print(`In the room: ${names(people)}`);
    const isIn = (list: readonly Person[]) => (person: Person) => list.some(({ id }) => id === person.id);
    const others = (list: readonly Person[]) => list.filter(({ id }) => id !== me?.id);
    if (before.length === 0) return;
    for (const person of others(people)) if (!isIn(before)(person)) this.#print(`${printable(person.name)} is here.`);
    for (const person of others(before)) if (!isIn(people)(person)) this.#print(`${printable(person.name)} has left.`);
  }

  #printFailures(): void {
    for (const { nonce, text, failure } of this.#chat.outgoing) {
      if (failure === undefined || this.#reported.has(nonce)) continue;
      this.#reported.add(nonce);
      this.#print(`Not sent: ${printable(failure)}: ${printable(text)}`);
    }
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!isSo() && !this.#isStopping) await new Promise<void>((resolve) => (this.#wake = resolve));
  }
}

function names(people: readonly Person[]): string {
  return people.map(({ name }) => printable(name)).join(', ');
}
