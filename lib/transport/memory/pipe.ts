// Imported, so that tests with fake global timers do not stop the delivery.
import { setImmediate } from 'node:timers';
import { Fifo } from '../../common/fifo.js';

/** Closes a connection, like the close frame of a WebSocket. */
export interface CloseFrame {
  readonly code: number;
  readonly reason: string;
}

/** A binary message, a text message or a close frame. */
export type MemoryFrame = Uint8Array | string | CloseFrame;

/**
 * One direction of a connection: delivers frames in order and asynchronously, like a network. Frames that are added during a
 * delivery wait for the next turn of the event loop, so that two sides that answer each other do not block it.
 */
export class Pipe {
  #waiting = new Fifo<MemoryFrame>();
  #bufferedAmount = 0;
  /** Flushed bytes that were not delivered yet. */
  #flushed = 0;
  #delivered = 0;
  #isOpen = false;
  #isPaused = false;
  #isScheduled = false;

  /** @param onDrained Called when all flushed bytes have been delivered. */
  constructor(
    private readonly deliver: (frame: MemoryFrame) => void,
    private readonly onDrained: () => void = () => undefined,
  ) {}

  /** Bytes that were not delivered yet. */
  get bufferedAmount(): number {
    return this.#bufferedAmount;
  }

  /** Bytes that wait for the reader: those that were not delivered yet, without the flushed ones unless the reader is paused. */
  get backlog(): number {
    return this.#isPaused ? this.#bufferedAmount : this.#bufferedAmount - this.#flushed;
  }

  /** Number of delivered frames. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Counts all frames so far as accepted by the network, like a write to a socket. */
  flush(): void {
    this.#flushed = this.#bufferedAmount;
  }

  /** Starts the delivery, including frames that were added before. */
  open(): void {
    this.#isOpen = true;
    this.#schedule();
  }

  push(frame: MemoryFrame): void {
    this.#waiting.push(frame);
    this.#bufferedAmount += sizeOf(frame);
    this.#schedule();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  /** Drops all frames that were not delivered yet. */
  clear(): void {
    this.#waiting = new Fifo();
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
      const frame = this.#waiting.shift();
      if (frame === undefined) break;
      const size = sizeOf(frame);
      this.#bufferedAmount -= size;
      this.#flushed = Math.max(this.#flushed - size, 0);
      this.#delivered++;
      this.deliver(frame);
    }
    if (wasFlushed && this.#flushed === 0) this.onDrained();
    this.#schedule();
  };
}

/** Length of the payload in bytes. */
export function sizeOf(frame: MemoryFrame): number {
  if (typeof frame === 'string') return Buffer.byteLength(frame);
  return frame instanceof Uint8Array ? frame.length : 0;
}
