import type { Payload } from '../protocol/index.js';
import type { Presence } from './presence.js';

/** What a client sent: a request or a signal, as `@WebwireMessage()` gives it to a handler. */
export class Message {
  readonly #presence: Presence;

  /** Made by the connection that received it. */
  constructor(
    /** The name it was sent to; empty when it has none. */
    readonly name: string,
    /** Its content: a view of the received bytes, which stay valid for as long as they are referenced. */
    readonly payload: Payload,
    /** The 8 bytes that tie a reply to this request; `undefined` for a signal. */
    readonly identifier: Uint8Array | undefined,
    presence: Presence,
  ) {
    this.#presence = presence;
  }

  /** Aborts when the connection is gone, so that work for nobody can stop. */
  get signal(): AbortSignal {
    return this.#presence.signal;
  }

  /** Whether somebody waits for an answer; cheaper to listen to than `signal`. @internal */
  get presence(): Presence {
    return this.#presence;
  }
}
