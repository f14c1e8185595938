import { encodeMessage, type EncodableMessage } from '../../../protocol/index.js';
import { COMPRESSED, FINAL_BINARY } from '../framing/frame-header.js';
import type { WriteBatch } from '../writing/write-batch.js';
import { AT_ONCE } from './at-once.js';
import type { Deflated, Deflater } from './deflater.js';
import type { Compression } from './permessage-deflate.js';

/**
 * Compresses what one connection sends. Messages leave in the order in which they were added: while a large one is being
 * compressed on another thread, those behind it wait here. Frames about the connection need not wait.
 */
export class DeflateQueue {
  readonly #deflater: Deflater;
  readonly #threshold: number;
  /** The first one is being compressed. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  /** @param onEmpty Called when nothing waits any more. */
  constructor(
    private readonly batch: WriteBatch,
    { deflater, threshold }: Compression,
    private readonly onEmpty: () => void,
  ) {
    this.#deflater = deflater;
    this.#threshold = threshold;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Length of the messages that wait, in bytes, before they are compressed. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Adds a message of a known length. */
  addMessage(message: EncodableMessage, length: number): void {
    if (this.isEmpty && length < this.#threshold) this.batch.addMessage(message, length);
    else this.addEncoded(encodeMessage(message));
  }

  /** Adds a message that is encoded, and that others may be sending as well. */
  addEncoded(message: Uint8Array): void {
    if (this.isEmpty && !this.#takesTime(message)) {
      this.#addNow(message);
      return;
    }
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
    if (this.#waiting.length === 1) this.#deflater.deflateLater(message, this.#goOn);
  }

  /** Nothing can be sent any more. */
  discard(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** The first message is compressed. */
  readonly #goOn = (deflated: Deflated): void => {
    const first = this.#take();
    if (!first) return;
    this.#addFrame(first, deflated);
    while (!this.isEmpty) {
      const next = this.#waiting[0]!;
      if (this.#takesTime(next)) {
        this.#deflater.deflateLater(next, this.#goOn);
        return;
      }
      this.#addNow(this.#take()!);
    }
    this.onEmpty();
  };

  #take(): Uint8Array | undefined {
    const message = this.#waiting.shift();
    this.#waitingBytes -= message?.length ?? 0;
    return message;
  }

  #takesTime({ length }: Uint8Array): boolean {
    return length > AT_ONCE && length >= this.#threshold;
  }

  #addNow(message: Uint8Array): void {
    this.#addFrame(message, message.length < this.#threshold ? undefined : this.#deflater.deflateAtOnce(message));
  }

  #addFrame(message: Uint8Array, deflated: Deflated): void {
    if (deflated) this.batch.addFrame(FINAL_BINARY | COMPRESSED, deflated);
    else this.batch.addEncoded(message);
  }
}
