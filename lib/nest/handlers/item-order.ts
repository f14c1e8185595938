import { RequestError } from '../../protocol/errors.js';
import type { Payload } from '../../protocol/index.js';
import { isPromiseLike } from '../../protocol/promise.js';
import type { Demand } from '../../server/extensions/demand.js';
import type { OutgoingStream } from '../../server/extensions/outgoing-stream.js';

/** Most items of one stream that may be validated at the same time. */
const MAX_PENDING = 64;

/**
 * Writes the items of a stream in their order, also if they are validated by an asynchronous schema. The source is asked for no
 * item while one is being validated.
 */
export class ItemOrder implements Demand {
  /** Resolves when the last item is written. */
  #last: Promise<void> | undefined;
  #pending = 0;
  #written = 0;

  /** @param encode Validates and encodes an item. */
  constructor(
    private readonly stream: OutgoingStream,
    private readonly encode: (item: unknown) => Payload | Promise<Payload>,
  ) {}

  get isReady(): boolean {
    return this.#pending === 0 && this.stream.isReady;
  }

  get written(): number {
    return this.#written;
  }

  async ready(): Promise<void> {
    while (this.#last && !this.stream.isOver) await this.#last;
    await this.stream.ready();
  }

  hold(): () => void {
    return this.stream.hold();
  }

  stopFailed(error: unknown): void {
    this.stream.stopFailed(error);
  }

  whenStopped(listener: () => void): void {
    this.stream.whenStopped(listener);
  }

  /** Writes an item, after those before it. Its failure breaks the stream off. */
  write(item: unknown): void {
    this.#written++;
    if (this.#pending >= MAX_PENDING) {
      this.stream.breakOff(new RequestError('STREAM_OVERFLOW', 'the stream has more items than can be validated'));
      return;
    }
    try {
      const encoded = this.encode(item);
      if (!this.#last && !isPromiseLike(encoded)) this.stream.write(encoded);
      else this.#writeLater(encoded);
    } catch (error) {
      this.stream.breakOff(error);
    }
  }

  /** Ends the stream, after its last item. */
  end(finish: () => void): void {
    if (this.#last) void this.#last.then(finish);
    else finish();
  }

  #writeLater(item: Payload | Promise<Payload>): void {
    this.#pending++;
    const release = this.stream.hold();
    const write = async () => {
      try {
        // Both are awaited at once, so that a rejection is never unhandled.
        const [, encoded] = await Promise.all([this.#last, item]);
        this.stream.write(encoded);
      } catch (error) {
        this.stream.breakOff(error);
      }
      this.#pending--;
      if (this.#last === last) this.#last = undefined;
      release();
    };
    const last = write();
    this.#last = last;
  }
}
