import { MESSAGE_OVERHEAD } from '../protocol/extensions.js';
import { ID_END } from '../protocol/layout.js';
import { MessageType, type CloseSessionMessage, type RestoreSessionMessage } from '../protocol/index.js';
import { Message } from './message.js';

export type SessionRequest = RestoreSessionMessage | CloseSessionMessage;

/** A message that starts a handler or a session operation. */
export type Work = Message | SessionRequest;

/** Messages that wait at the limit of handlers before they are many. */
const MANY_MESSAGES = 64;

/** The same in bytes, as a multiple of `messageBufferSize`. */
const MANY_BUFFERS = 16;

/** The messages of one connection that wait for their handlers, in order. */
export class WaitingMessages {
  readonly #messages: Work[] = [];
  readonly #manyBytes: number;
  #bytes = 0;

  constructor(messageBufferSize: number) {
    this.#manyBytes = MANY_BUFFERS * messageBufferSize;
  }

  get all(): Iterable<Work> {
    return this.#messages;
  }

  /** `undefined` if none waits. */
  get first(): Work | undefined {
    return this.#messages[0];
  }

  /** Memory that they take: an estimate, in bytes. */
  get size(): number {
    return this.#bytes + this.#messages.length * MESSAGE_OVERHEAD;
  }

  add(message: Work): void {
    if (this.areMany && message instanceof Message) message.detach();
    this.#messages.push(message);
    this.#bytes += lengthOf(message);
  }

  /** Removes the first message. */
  shift(): Work {
    return this.#remove(0);
  }

  /** Removes the first request with this key; returns `undefined` if none waits. */
  takeRequest(key: Message['key']): Message | undefined {
    const index = this.#messages.findIndex((work) => work instanceof Message && work.isRequest && work.key === key);
    return index < 0 ? undefined : (this.#remove(index) as Message);
  }

  /** True if so many wait that the client may send too fast. */
  get areMany(): boolean {
    return this.#messages.length >= MANY_MESSAGES || this.#bytes >= this.#manyBytes;
  }

  #remove(index: number): Work {
    const [message] = this.#messages.splice(index, 1) as [Work];
    this.#bytes -= lengthOf(message);
    return message;
  }
}

/** Length of an encoded message, in bytes. */
export function lengthOf(message: Work): number {
  if (message instanceof Message) return message.length;
  return message.type === MessageType.RequestRestoreSession ? ID_END + message.sessionKey.length : ID_END;
}
