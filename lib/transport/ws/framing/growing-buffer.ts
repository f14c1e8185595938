/** What a new one has room for, in bytes. */
const SMALLEST = 512;

/** Bytes that arrive in pieces. Its memory grows with what has arrived, never with what was announced. */
export class GrowingBuffer {
  #memory: Buffer | undefined;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Adds a copy of the bytes from `start` to `end`. */
  append(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (!this.#memory || length > this.#memory.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(SMALLEST, 2 * this.#length, length));
      if (this.#memory) grown.set(this.#memory.subarray(0, this.#length));
      this.#memory = grown;
    }
    this.#memory.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** What it holds so far, in memory that it goes on using. */
  peek(): Buffer {
    return this.#memory ? this.#memory.subarray(0, this.#length) : Buffer.alloc(0);
  }

  /** Gives away what it holds, and begins anew. */
  take(): Buffer {
    const bytes = this.peek();
    this.#memory = undefined;
    this.#length = 0;
    return bytes;
  }
}
