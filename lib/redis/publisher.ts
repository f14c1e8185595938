/** How many signals may be under way at once: more would wait in the connection, where they cannot be dropped. */
const MAX_UNDER_WAY = 1_024;

interface Waiting {
  readonly channel: string;
  readonly envelope: Buffer;
}

/**
 * Publishes without anybody waiting for it. What Redis does not take at once waits, in order, up to a limit; then the
 * oldest is dropped.
 */
export class Publisher {
  /** How many were dropped, or lost with the connection. */
  dropped = 0;
  #waiting: Waiting[] = [];
  /** The first in `#waiting` that is still there. */
  #first = 0;
  #underWay = 0;
  #onIdle: (() => void) | undefined;

  constructor(
    private readonly send: (channel: string, envelope: Buffer) => Promise<unknown>,
    private readonly limit: number,
    /** Whether Redis is there. */
    private readonly isOpen: () => boolean,
    /** Called for each that is dropped. */
    private readonly onDrop: () => void,
    /** Called, before the next is sent, when one was not taken. */
    private readonly onFailure: (error: Error) => void,
  ) {}

  /** How many wait. */
  get size(): number {
    return this.#waiting.length - this.#first;
  }

  publish(channel: string, envelope: Buffer): void {
    if (this.size === 0 && this.#canSend) {
      this.#send(channel, envelope);
      return;
    }
    this.#waiting.push({ channel, envelope });
    if (this.size > this.limit) {
      this.#take();
      this.#drop();
    }
  }

  /** Resolves when Redis has taken all, or after `timeout` ms. */
  async idle(timeout: number): Promise<void> {
    if (this.#underWay === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      timer = setTimeout(resolve, timeout);
    });
    clearTimeout(timer);
  }

  /** Publishes what waits, as far as that is possible. */
  flush(): void {
    while (this.size > 0 && this.#canSend) {
      const { channel, envelope } = this.#take();
      this.#send(channel, envelope);
    }
  }

  get #canSend(): boolean {
    return this.#underWay < MAX_UNDER_WAY && this.isOpen();
  }

  #take(): Waiting {
    const taken = this.#waiting[this.#first]!;
    this.#waiting[this.#first++] = undefined as never;
    if (this.#first > 1_000 && this.#first * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    return taken;
  }

  #send(channel: string, envelope: Buffer): void {
    this.#underWay++;
    this.send(channel, envelope).then(this.#sent, this.#failed);
  }

  readonly #sent = (): void => {
    this.#underWay--;
    this.flush();
    if (this.#underWay === 0) this.#onIdle?.();
  };

  /** Redis may have it or not, so it is not sent again. */
  readonly #failed = (error: Error): void => {
    this.onFailure(error);
    this.#drop();
    this.#sent();
  };

  #drop(): void {
    this.dropped++;
    this.onDrop();
  }
}
