import { Fifo } from '../../../common/fifo.js';
import { encodeMessage, type EncodableMessage } from '../../../protocol/index.js';
import { COMPRESSED, FINAL_BINARY } from '../framing/frame-header.js';
import type { WriteBatch } from '../writing/write-batch.js';
import { MAX_SYNC_LENGTH } from './max-sync-length.js';
import type { Deflated, Deflater } from './deflater.js';
import type { Compression } from './permessage-deflate.js';

/**
 * Compresses the outgoing messages of one connection. They leave in the order in which they were added: while a large one is
 * being compressed on another thread, later ones wait here. Control frames do not wait. If compression is slower than the
 * application, messages leave uncompressed, because a client that reads must not be taken for a slow one.
 */
export class DeflateQueue {
  readonly #deflater: Deflater;
  readonly #threshold: number;
  /** Messages that wait. The first one is being compressed. */
  #waiting = new Fifo<Uint8Array>();
  #waitingBytes = 0;
  /** `true` while a message is being compressed on another thread. If no message waits, its result is not needed any more. */
  #isDeflating = false;

  /**
   * @param maxWaitingBytes If more bytes wait, all messages leave uncompressed.
   * @param onEmpty Called when no message waits any more.
   */
  constructor(
    private readonly batch: WriteBatch,
    { deflater, threshold }: Compression,
    private readonly maxWaitingBytes: number,
    private readonly onEmpty: () => void,
  ) {
    this.#deflater = deflater;
    this.#threshold = threshold;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Uncompressed length of the messages that wait, in bytes. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Adds a message of a known length. */
  addMessage(message: EncodableMessage, length: number): void {
    if (this.isEmpty && length < this.#threshold) this.batch.addMessage(message, length);
    else this.addEncoded(encodeMessage(message));
  }

  /** Adds an encoded message, which other connections may be sending as well. */
  addEncoded(message: Uint8Array): void {
    if (this.isEmpty && !this.#takesTime(message)) {
      this.#addNow(message);
      return;
    }
    if (this.isEmpty && this.#isDeflating) {
      this.batch.addEncoded(message);
      return;
    }
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
    if (this.#waitingBytes > this.maxWaitingBytes) this.#sendUncompressed();
    else if (this.#waiting.length === 1) this.#deflateLater(message);
  }

  /** Drops all messages: nothing can be sent any more. */
  discard(): void {
    this.#waiting = new Fifo();
    this.#waitingBytes = 0;
  }

  #sendUncompressed(): void {
    const waiting = this.#waiting;
    this.discard();
    for (let message = waiting.shift(); message; message = waiting.shift()) this.batch.addEncoded(message);
    this.onEmpty();
  }

  #deflateLater(message: Uint8Array): void {
    this.#isDeflating = true;
    this.#deflater.deflateLater(message, this.#sendNext);
  }

  /** Called when the first message is compressed. */
  readonly #sendNext = (deflated: Deflated): void => {
    this.#isDeflating = false;
    const first = this.#take();
    if (!first) return;
    this.#addFrame(first, deflated);
    for (let next = this.#waiting.first; next; next = this.#waiting.first) {
      if (this.#takesTime(next)) {
        this.#deflateLater(next);
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
    return length > MAX_SYNC_LENGTH && length >= this.#threshold;
  }

  #addNow(message: Uint8Array): void {
    this.#addFrame(message, message.length < this.#threshold ? undefined : this.#deflater.deflateAtOnce(message));
  }

  #addFrame(message: Uint8Array, deflated: Deflated): void {
    if (deflated) this.batch.addFrame(FINAL_BINARY | COMPRESSED, deflated);
    else this.batch.addEncoded(message);
  }
}
