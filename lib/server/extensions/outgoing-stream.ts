import { stackOf, type ServerLogger } from '../../common/logger.js';
import { BufferOverflowError, RequestError } from '../../protocol/errors.js';
import { identifierToHex, ITEM_PREFIX, STREAM_WINDOW } from '../../protocol/extensions.js';
import { Payload, signalType } from '../../protocol/index.js';
import type { Message } from '../message.js';
import type { Outbox } from '../outbox.js';
import type { Demand } from './demand.js';
import type { ItemBuffer } from './item-buffer.js';

/** A reply without content, such as that which ends a stream. */
export const EMPTY_REPLY = Payload.binary(new Uint8Array());

/**
 * The items of one stream on their way to the client (docs/PROTOCOL.md, section 11.2). The handler of the stream writes them. It
 * is asked for an item while the client has granted some, and not too many bytes wait to be written.
 */
export class OutgoingStream implements Demand {
  /** Resolves when the stream has ended; rejects with its failure. Its source may still run. */
  readonly ended: Promise<Payload>;
  readonly #name: string;
  readonly #waiting: Payload[] = [];
  /** Those who wait for the demand of the client: an interceptor may have called the handler more than once. */
  #resumes: (() => void)[] = [];
  /** The number of parts that run. */
  #held = 0;
  #written = 0;
  #credit = STREAM_WINDOW;
  #isOver = false;
  #isBrokenOff = false;
  /** The end of the source, while items wait. */
  #outcome: (() => void) | undefined;
  #stopSource: (() => void) | undefined;
  #whenStopped: (() => void) | undefined;
  #isEnding = false;
  #resolve!: (end: Payload) => void;
  #reject!: (error: unknown) => void;

  /** @param free Called when the stream is over, and nothing of it runs any more. */
  constructor(
    private readonly message: Message,
    private readonly outbox: Outbox,
    private readonly buffer: ItemBuffer,
    private readonly logger: ServerLogger,
    private readonly free: () => void,
  ) {
    this.#name = copyOf(ITEM_PREFIX + identifierToHex(message.identifier!));
    this.ended = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    message.demand = this;
    message.addEndListener(this.#abandon);
    if (message.isOver) this.#abandon();
  }

  /** True once no more items are accepted. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get isReady(): boolean {
    return this.#isEnding ? this.#waiting.length === 0 : this.#canSend;
  }

  get written(): number {
    return this.#written;
  }

  get #canSend(): boolean {
    return this.#credit > 0 && this.#waiting.length === 0 && !this.outbox.isFull;
  }

  ready(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isOver || this.isReady) resolve();
      else {
        this.#resumes.push(resolve);
        if (this.outbox.isFull) this.outbox.drain();
      }
    });
  }

  /**
   * Sets the source.
   * @param stop Called once, if the stream is over before the source has ended. It must not throw.
   */
  connect(stop: () => void): void {
    if (this.#isOver) stop();
    else this.#stopSource = stop;
  }

  hold(): () => void {
    let isHeld = true;
    this.#held++;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      if (--this.#held === 0 && this.#isOver) this.#stopped();
    };
  }

  stopFailed(error: unknown): void {
    if (this.message.isAbortedBy(error)) return;
    this.logger.error(`Stopping the source of stream ${JSON.stringify(this.message.name)} failed`, stackOf(error));
  }

  whenStopped(listener: () => void): void {
    const runs = this.#held > 0;
    if (runs) this.#whenStopped = listener;
    // Nobody needs what still runs.
    if (runs || this.#isBrokenOff) this.message.giveUp();
    if (!runs) listener();
  }

  /** Aborts the signal of the stream, and asks its source to go on, so that it may end by itself. */
  abort(): void {
    this.#isEnding = true;
    this.message.abort();
    this.#wake();
  }

  /** Sends an item, now or when the client grants it. If that is not possible, the stream fails. */
  write(item: Payload): void {
    if (this.#isOver || this.#outcome) return;
    this.#written++;
    if (this.#canSend) this.#send(item);
    else if (this.#waiting.length === 0 || this.buffer.hasRoom(item)) this.#wait(item);
    else {
      const text = 'the client takes fewer items than the stream has, and too many wait';
      this.breakOff(new RequestError('STREAM_OVERFLOW', text));
    }
  }

  /** The source has ended. If a shutdown may be the reason, the stream fails, so that the client does not take it for complete. */
  end(): void {
    if (this.#isEnding && this.message.hasAbortSignal) return this.fail(this.message.abortSignal.reason);
    this.#endWith(() => this.#resolve(EMPTY_REPLY));
  }

  /** The source has failed. */
  fail(error: unknown): void {
    this.#endWith(() => this.#reject(error));
  }

  /** The stream fails although its source has not ended. */
  breakOff(error: unknown): void {
    this.#isBrokenOff ||= !this.#isOver;
    this.#finish(() => this.#reject(error));
  }

  /** The client allows more items. Its credit never exceeds the window. */
  grant(count: number): void {
    this.#credit = Math.min(this.#credit + count, STREAM_WINDOW);
    this.flush();
  }

  /** Sends items that wait, if that is possible now, and lets the source go on. */
  flush(): void {
    while (!this.#isOver && this.#waiting.length > 0 && this.#credit > 0 && !this.outbox.isFull) {
      const item = this.#waiting.shift()!;
      this.buffer.remove(item);
      this.#send(item);
    }
    if (this.#isOver) return;
    if (this.#waiting.length > 0) {
      if (this.outbox.isFull) this.outbox.drain();
    } else if (this.#outcome) this.#finish(this.#outcome);
    else if (this.isReady) this.#wake();
    else if (this.#resumes.length > 0 && this.outbox.isFull) this.outbox.drain();
  }

  #send(item: Payload): void {
    try {
      this.outbox.send({ type: signalType(item.encoding), name: this.#name, payload: item.bytes });
      this.#credit--;
      this.buffer.sent();
    } catch (error) {
      if (!(error instanceof BufferOverflowError)) return this.breakOff(error);
      const text = `an item has ${error.length} bytes, but messageBufferSize is ${error.messageBufferSize}`;
      this.logger.error(`An item of stream ${JSON.stringify(this.message.name)} was not sent`, stackOf(error));
      this.breakOff(new RequestError('REPLY_TOO_LARGE', text));
    }
  }

  #wait(item: Payload): void {
    this.#waiting.push(item);
    this.buffer.add(item);
    if (this.outbox.isFull) this.outbox.drain();
  }

  #endWith(outcome: () => void): void {
    if (this.#isOver || this.#outcome) return;
    this.#stopSource = undefined;
    if (this.#waiting.length === 0) this.#finish(outcome);
    else this.#outcome = outcome;
  }

  /** The client has given the stream up, or is gone. */
  readonly #abandon = (): void => {
    this.#finish(() => this.#resolve(EMPTY_REPLY));
  };

  #finish(outcome: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.message.removeEndListener(this.#abandon);
    for (const item of this.#waiting) this.buffer.remove(item);
    this.#waiting.length = 0;
    this.#stopSource?.();
    this.#wake();
    outcome();
    if (this.#held === 0) this.#stopped();
  }

  #stopped(): void {
    this.free();
    this.#whenStopped?.();
    this.#whenStopped = undefined;
  }

  #wake(): void {
    const resumes = this.#resumes;
    this.#resumes = [];
    for (const resume of resumes) resume();
  }
}

/** A concatenated string is slower to read, character by character, than a copy of it: each item has the name. */
function copyOf(ascii: string): string {
  return Buffer.from(ascii).toString('latin1');
}
