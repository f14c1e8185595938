/** Smallest capacity that is allocated, in bytes. */
const MIN_CAPACITY = 512;

/**
 * Largest length that a `GrowingBuffer` can reach, in bytes: the capacity doubles, and a `Buffer` has a maximum length.
 */
export const MAX_LENGTH = 0x7fff_ffff;

/**
 * Collects bytes that arrive in pieces. Its memory grows with the bytes that have arrived, never with a length that a peer
 * has only announced.
 */
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
      const grown = Buffer.allocUnsafeSlow(Math.max(MIN_CAPACITY, 2 * this.#length, length));
      if (this.#memory) grown.set(this.#memory.subarray(0, this.#length));
      this.#memory = grown;
    }
    this.#memory.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
  }

  /** A view of the bytes so far. The next `append()` may write to the same memory. */
  peek(): Buffer {
    return this.#memory ? this.#memory.subarray(0, this.#length) : Buffer.alloc(0);
  }

  /** Returns the bytes and starts again with new memory. */
  take(): Buffer {
    const bytes = this.peek();
    this.#memory = undefined;
    this.#length = 0;
    return bytes;
  }
}
