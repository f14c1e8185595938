/**
 * Counts equal frames in a stream of bytes. It reads only their headers, as the load generator has to use less CPU time
 * than any server.
 */
export class FrameCounter {
  readonly #frameLength: number;
  readonly #firstByte: number;
  readonly #lengthByte: number;
  /** Bytes of the last frame that have not arrived yet. */
  #missing = 0;

  /** @param frame One of the frames, with its header. */
  constructor(frame: Uint8Array) {
    this.#frameLength = frame.length;
    this.#firstByte = frame[0]!;
    this.#lengthByte = frame[1]!;
  }

  /**
   * @returns Number of frames that end in these bytes.
   * @throws Error for a different frame.
   */
  count(bytes: Uint8Array, length: number): number {
    let start = this.#missing;
    let complete = start > 0 && start <= length ? 1 : 0;
    while (start < length) {
      const isOne = bytes[start] === this.#firstByte && (start + 1 === length || bytes[start + 1] === this.#lengthByte);
      if (!isOne)
        throw new Error(`a frame that was not expected begins with bytes ${bytes[start]}, ${bytes[start + 1]}`);
      start += this.#frameLength;
      if (start <= length) complete++;
    }
    this.#missing = start - length;
    return complete;
  }
}
