// Taken from the module, and once: tests that replace the global timers do not hold up what is on its way.
import { setImmediate } from 'node:timers';

/** How a side closes a connection, as a close frame of a WebSocket says it. */
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** What goes through a pipe: a binary message, a text message, or the end. */
export type Parcel = Uint8Array | string | Closing;

/**
 * One direction of a connection: delivers what is put into it, in order and never within the call, as a network would. What
 * comes in meanwhile waits for the next turn of the event loop, so that two ends that answer each other hold up nobody.
 */
export class Pipe {
  #waiting: Parcel[] = [];
  #bufferedAmount = 0;
  /** Bytes of these that were flushed: a reader that reads is about to take them. */
  #flushed = 0;
  #delivered = 0;
  #isOpen = false;
  #isPaused = false;
  #isScheduled = false;

  /** @param onDrained Called when everything that was flushed has been delivered. */
  constructor(
    private readonly deliver: (parcel: Parcel) => void,
    private readonly onDrained: () => void = () => undefined,
  ) {}

  /** What was not delivered yet, in bytes. */
  get bufferedAmount(): number {
    return this.#bufferedAmount;
  }

  /** What waits for the reader, in bytes: everything that was not delivered, but for what was flushed while it reads. */
  get backlog(): number {
    return this.#isPaused ? this.#bufferedAmount : this.#bufferedAmount - this.#flushed;
  }

  /** A number that grows with everything that is delivered. */
  get delivered(): number {
    return this.#delivered;
  }

  /** What was put in so far is on its way, as if a network had taken it. */
  flush(): void {
    this.#flushed = this.#bufferedAmount;
  }

  /** Delivers from now on, what was put in before included. */
  open(): void {
    this.#isOpen = true;
    this.#schedule();
  }

  push(parcel: Parcel): void {
    this.#waiting.push(parcel);
    this.#bufferedAmount += sizeOf(parcel);
    this.#schedule();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  /** What is still on its way is lost. */
  clear(): void {
    this.#waiting = [];
    this.#bufferedAmount = 0;
    this.#flushed = 0;
  }

  #schedule(): void {
    if (!this.#isOpen || this.#isScheduled || this.#isPaused || this.#waiting.length === 0) return;
    this.#isScheduled = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    this.#isScheduled = false;
    const wasFlushed = this.#flushed > 0;
    for (let { length } = this.#waiting; length > 0 && !this.#isPaused; length--) {
      const parcel = this.#waiting.shift();
      if (parcel === undefined) break;
      const size = sizeOf(parcel);
      this.#bufferedAmount -= size;
      this.#flushed = Math.max(this.#flushed - size, 0);
      this.#delivered++;
      this.deliver(parcel);
    }
    if (wasFlushed && this.#flushed === 0) this.onDrained();
    this.#schedule();
  };
}

/** In bytes, as it would be on a network. */
export function sizeOf(parcel: Parcel): number {
  if (typeof parcel === 'string') return Buffer.byteLength(parcel);
  return parcel instanceof Uint8Array ? parcel.length : 0;
}
