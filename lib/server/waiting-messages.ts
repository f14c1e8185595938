import { MESSAGE_OVERHEAD } from '../protocol/extensions.js';
import { ID_END } from '../protocol/layout.js';
import { MessageType, type CloseSessionMessage, type RestoreSessionMessage } from '../protocol/index.js';
import { RequestsByKey } from './extensions/requests-by-key.js';
import { Message, type RequestKey } from './message.js';

export type SessionRequest = RestoreSessionMessage | CloseSessionMessage;

/** A message that starts a handler or a session operation. */
export type Work = Message | SessionRequest;

/** Messages that wait at the limit of handlers before they are many. */
const MANY_MESSAGES = 64;

/** The same in bytes, as a multiple of `messageBufferSize`. */
const MANY_BUFFERS = 16;

/** The array is shortened when so many of its messages have left, and at least half of them. */
const MIN_GONE = 16;

/** The messages of one connection that wait for their handlers, in order. Each method takes the same time for any number of them. */
export class WaitingMessages {
  /** Those before `#start`, which are `undefined`, and those in `#canceled` have left. */
  #messages: (Work | undefined)[] = [];
  #start = 0;
  readonly #canceled = new Set<Work>();
  /** `undefined` until the client cancels a request. */
  #requests: RequestsByKey | undefined;
  readonly #manyBytes: number;
  #bytes = 0;
  #lastBuffer: ArrayBufferLike | undefined;
  /** Bytes of the received data that the messages keep in memory: an upper bound. */
  #keptBytes = 0;

  constructor(messageBufferSize: number) {
    this.#manyBytes = MANY_BUFFERS * messageBufferSize;
  }

  get all(): Work[] {
    const messages = this.#messages.slice(this.#start) as Work[];
    return messages.filter((message) => !this.#canceled.has(message));
  }

  /** `undefined` if none waits. */
  get first(): Work | undefined {
    return this.#messages[this.#start];
  }

  /** Memory that they take: an estimate, in bytes. */
  get size(): number {
    return this.#bytes + this.#count * MESSAGE_OVERHEAD;
  }

  add(message: Work): void {
    if (message instanceof Message) {
      if (this.areMany || this.#keptBytes + this.#keptBy(message) > this.#manyBytes) message.detach();
      this.#keep(message);
      if (message.isRequest) this.#requests?.add(message);
    }
    this.#messages.push(message);
    this.#bytes += lengthOf(message);
  }

  /** Removes the first message. */
  shift(): Work {
    const message = this.#messages[this.#start]!;
    this.#messages[this.#start++] = undefined;
    this.#left(message);
    return message;
  }

  /** Removes the last request with this key; returns `undefined` if none waits. */
  takeRequest(key: RequestKey): Message | undefined {
    const message = (this.#requests ??= this.#findRequests()).last(key);
    if (!message) return undefined;
    this.#canceled.add(message);
    this.#left(message);
    return message;
  }

  /** True if so many wait that the client may send too fast. */
  get areMany(): boolean {
    return this.#count >= MANY_MESSAGES || this.#bytes >= this.#manyBytes;
  }

  get #count(): number {
    return this.#messages.length - this.#start - this.#canceled.size;
  }

  /** Received data that is kept in memory if this message waits, too, in bytes. A short message may keep a long read. */
  #keptBy({ buffer }: Message): number {
    return buffer === this.#lastBuffer ? 0 : buffer.byteLength;
  }

  #keep(message: Message): void {
    this.#keptBytes += this.#keptBy(message);
    this.#lastBuffer = message.buffer;
  }

  #findRequests(): RequestsByKey {
    const requests = new RequestsByKey();
    for (const message of this.all) if (message instanceof Message && message.isRequest) requests.add(message);
    return requests;
  }

  #left(message: Work): void {
    this.#bytes -= lengthOf(message);
    if (message instanceof Message) this.#requests?.remove(message);
    while (this.#canceled.delete(this.#messages[this.#start]!)) this.#messages[this.#start++] = undefined;
    const gone = this.#start + this.#canceled.size;
    if (gone >= MIN_GONE && gone * 2 >= this.#messages.length) this.#compact();
  }

  #compact(): void {
    this.#messages = this.all;
    this.#start = 0;
    this.#canceled.clear();
    this.#keptBytes = 0;
    this.#lastBuffer = undefined;
    for (const message of this.#messages) if (message instanceof Message) this.#keep(message);
  }
}

/** Length of an encoded message, in bytes. */
export function lengthOf(message: Work): number {
  if (message instanceof Message) return message.length;
  return message.type === MessageType.RequestRestoreSession ? ID_END + message.sessionKey.length : ID_END;
}
