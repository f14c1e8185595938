/** Size of the blocks of memory into which messages are copied, in bytes. */
const BLOCK_SIZE = 16 * 1024;

/** Bun keeps the bytes of arrays up to this length inside of the array, so that the first view of them is slow. */
export const LONGEST_COPIED = 1_000;

/**
 * Copies short messages one after the other into larger blocks, because the server makes views of what it receives. The memory of
 * a block is not used again.
 */
export class ReceiveBuffer {
  block = Buffer.allocUnsafeSlow(BLOCK_SIZE);
  #used = 0;

  /** Copies a message of at most `LONGEST_COPIED` bytes into `block`, which it may replace. Returns the offset. */
  add(message: Uint8Array): number {
    if (this.#used + message.length > BLOCK_SIZE) {
      this.block = Buffer.allocUnsafeSlow(BLOCK_SIZE);
      this.#used = 0;
    }
    const start = this.#used;
    this.block.set(message, start);
    this.#used += message.length;
    return start;
  }
}
