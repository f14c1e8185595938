import { nextTick } from '../../next-tick.js';
import { FINAL_BINARY, headerLength, writeHeader } from '../framing/frame-header.js';

/** Size of the blocks of memory in which frames are assembled, in bytes. */
const SLAB_SIZE = 64 * 1024;

const EMPTY = Buffer.alloc(0);

/** A batch of frames that waits to be written. */
export interface Flushable {
  /** Must not throw, because other batches are flushed after it. */
  flush(): void;
}

/** Memory and flush queue that the connections of one server share for sending. */
export class WriteBufferPool {
  /** Block in which frames are assembled one after the other. Reserved bytes are not used again. */
  slab: Buffer = EMPTY;
  /** Number of bytes of the slab that are reserved. */
  used = 0;
  #message: Uint8Array | undefined;
  #frame: Buffer = EMPTY;
  #waiting: Flushable[] = [];
  #isTickEnding = false;
  /** `true` if `endRead()` will flush what is sent now. */
  #isReading = false;

  /** Reserves `size` bytes, fewer than `SLAB_SIZE`. Replaces `slab` if it has too little room. Returns the offset in `slab`. */
  take(size: number): number {
    if (this.used + size > this.slab.length) {
      this.slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
      this.used = 0;
    }
    const start = this.used;
    this.used += size;
    return start;
  }

  /** Returns a message as a frame. The last frame is kept until the tick ends, because a broadcast needs it for each connection. */
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

  /** Flushes a batch at the end of the read, or of the tick if it is not added during a read. */
  flushLater(batch: Flushable): void {
    this.#waiting.push(batch);
    if (!this.#isReading) this.#atEndOfTick();
  }

  /** Call before reading from a connection: replies to what is read are written together. */
  beginRead(): void {
    this.#isReading = true;
  }

  /** Call after the handlers of everything that was read have been started. */
  endRead(): void {
    this.#isReading = false;
    this.#flush();
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const batch of waiting) batch.flush();
  }

  #atEndOfTick(): void {
    if (this.#isTickEnding) return;
    this.#isTickEnding = true;
    nextTick(this.#endTick);
  }

  readonly #endTick = (): void => {
    this.#isTickEnding = false;
    this.#message = undefined;
    this.#frame = EMPTY;
    if (!this.#isReading) this.#flush();
  };
}
