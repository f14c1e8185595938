import type { CloseSessionMessage, RestoreSessionMessage } from '../protocol/index.js';
import { Message } from './message.js';

export type SessionRequest = RestoreSessionMessage | CloseSessionMessage;

/** A message that starts a handler or a session operation. */
export type Work = Message | SessionRequest;

/** While fewer messages wait at the limit of handlers, the connection is read, so that cancellations and grants arrive. */
const MAX_WAITING_MESSAGES = 64;

/** The same in bytes, as a multiple of `messageBufferSize`. */
const MAX_WAITING_BUFFERS = 16;

/** The messages of one connection that wait for their handlers, in order. */
export class WaitingMessages {
  readonly #messages: Work[] = [];
  readonly #maxBytes: number;
  /** Bytes of the payloads. */
  #bytes = 0;

  constructor(messageBufferSize: number) {
    this.#maxBytes = MAX_WAITING_BUFFERS * messageBufferSize;
  }

  get all(): Iterable<Work> {
    return this.#messages;
  }

  /** `undefined` if none waits. */
  get first(): Work | undefined {
    return this.#messages[0];
  }

  add(message: Work): void {
    this.#messages.push(message);
    this.#bytes += payloadSize(message);
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

  /** True if so many wait that the connection is not read. */
  get areMany(): boolean {
    return this.#messages.length >= MAX_WAITING_MESSAGES || this.#bytes >= this.#maxBytes;
  }

  #remove(index: number): Work {
    const [message] = this.#messages.splice(index, 1) as [Work];
    this.#bytes -= payloadSize(message);
    return message;
  }
}

function payloadSize(message: Work): number {
  return message instanceof Message ? message.payload.bytes.length : 0;
}
