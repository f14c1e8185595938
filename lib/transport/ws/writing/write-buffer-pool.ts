import { FINAL_BINARY, headerLength, writeHeader } from '../framing/frame-header.js';
import { FlushScheduler } from './flush-scheduler.js';

/** Memory that frames are put together in comes in slabs of this size, in bytes. */
const SLAB_SIZE = 64 * 1024;

const EMPTY = Buffer.alloc(0);

/** What goes out when it is time. */
export interface Flushable {
  /** Must not throw: others are flushed after it. */
  flush(): void;
}

/** What the connections of one server share for sending. */
export class WriteBufferPool {
  /** Where frames are put together, one after the other. What is written in it stays as it is until it has been sent. */
  slab: Buffer = EMPTY;
  /** How much of the slab is used, in bytes. */
  used = 0;
  #message: Uint8Array | undefined;
  #frame: Buffer = EMPTY;
  #waiting: Flushable[] = [];
  #isTickEnding = false;
  /** When answers leave. */
  readonly flushScheduler = new FlushScheduler(() => this.#flush());

  /** Takes `size` bytes of the slab, less than a whole one. Returns where they begin in what is the slab then. */
  take(size: number): number {
    if (this.used + size > this.slab.length) {
      this.slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
      this.used = 0;
    }
    const start = this.used;
    this.used += size;
    return start;
  }

  /** A message as a frame. It is made once for all who send the same message one after the other, within a tick. */
  frame(message: Uint8Array): Buffer {
    if (message === this.#message) return this.#frame;
    const { length } = message;
    const header = headerLength(length);
    const frame = Buffer.allocUnsafeSlow(header + length);
    writeHeader(frame, 0, FINAL_BINARY, length);
    frame.set(message, header);
    this.#message = message;
    this.#frame = frame;
    this.#atEndOfTick();
    return frame;
  }

  /** Flushes a batch when it is time: when the tick ends, or when what is held back leaves. */
  flushLater(batch: Flushable): void {
    this.#waiting.push(batch);
    if (!this.flushScheduler.isHolding) this.#atEndOfTick();
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const batch of waiting) batch.flush();
  }

  #atEndOfTick(): void {
    if (this.#isTickEnding) return;
    this.#isTickEnding = true;
    process.nextTick(this.#endTick);
  }

  readonly #endTick = (): void => {
    this.#isTickEnding = false;
    this.#message = undefined;
    this.#frame = EMPTY;
    if (!this.flushScheduler.isHolding) this.#flush();
  };
}
