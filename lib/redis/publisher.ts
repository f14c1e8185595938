/** How many signals may be under way at once: more would wait in the connection, where they cannot be dropped. */
const MAX_UNDER_WAY = 1_024;

interface Waiting {
  readonly channel: string;
  readonly envelope: Buffer;
}

/** The signals under way on one connection, and the handlers of their answers: no closure is made per signal. */
interface Flight {
  underWay: number;
  readonly sent: () => void;
  readonly failed: (error: Error) => void;
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
  #flight = this.#newFlight();
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
    if (this.#flight.underWay === 0) return;
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
    return this.#flight.underWay < MAX_UNDER_WAY && this.isOpen();
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

  /** The connection was lost, and with it the signals under way: Redis may have them or not, so none is sent again. */
  connectionLost(): void {
    const { underWay } = this.#flight;
    this.#flight = this.#newFlight();
    for (let count = 0; count < underWay; count++) this.#drop();
    this.#onIdle?.();
  }

  #send(channel: string, envelope: Buffer): void {
    const flight = this.#flight;
    flight.underWay++;
    this.send(channel, envelope).then(flight.sent, flight.failed);
  }

  #newFlight(): Flight {
    const answered = () => {
      flight.underWay--;
      if (flight !== this.#flight) return;
      this.flush();
      if (flight.underWay === 0) this.#onIdle?.();
    };
    const flight: Flight = {
      underWay: 0,
      sent: answered,
      failed: (error) => {
        if (flight !== this.#flight) return;
        this.onFailure(error);
        // The failure may have shown that the connection is lost, which has counted this signal.
        if (flight !== this.#flight) return;
        this.#drop();
        answered();
      },
    };
    return flight;
  }

  #drop(): void {
    this.dropped++;
    this.onDrop();
  }
}
