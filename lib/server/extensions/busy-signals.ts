import { BUSY_NAME } from '../../protocol/extensions.js';
import { MessageType } from '../../protocol/index.js';
import type { Outbox } from '../outbox.js';

/** Shortest time between two signals, and the time between signals while many messages wait, in milliseconds. */
const INTERVAL = 5_000;

const BUSY = { type: MessageType.SignalBinary, name: BUSY_NAME, payload: new Uint8Array() } as const;

/**
 * Reports to a client that many of its messages wait, so that the client does not take the server for dead when it does not
 * read (docs/PROTOCOL.md, section 11.4).
 */
export class BusySignals {
  #lastAt = -INTERVAL;
  #timer: NodeJS.Timeout | undefined;
  #isDue = false;

  constructor(private readonly outbox: Outbox) {}

  /** Called when many messages wait. */
  start(): void {
    if (this.#timer) return;
    if (performance.now() - this.#lastAt >= INTERVAL) this.#send();
    this.#timer = setInterval(this.#send, INTERVAL).unref();
  }

  /** Called when few messages wait, or the connection is gone. */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#isDue = false;
  }

  /** Called when the bytes that waited have been written. */
  drained(): void {
    if (this.#isDue) this.#send();
  }

  /** Not while bytes wait: they are a sign of life themselves, and arrive first. The signal follows them. */
  readonly #send = (): void => {
    this.#isDue = this.outbox.isBuffering;
    if (this.#isDue) return this.outbox.drain();
    this.#lastAt = performance.now();
    this.outbox.send(BUSY);
  };
}
