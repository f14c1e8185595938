/** The most signals in flight at once. More would wait in the connection, where they cannot be dropped. */
const MAX_IN_FLIGHT = 1_024;

interface Waiting {
  readonly channel: string;
  readonly envelope: Buffer;
}

/** The signals in flight on one connection, and the handlers of their answers, so that no signal needs a closure. */
interface Flight {
  count: number;
  readonly sent: () => void;
  readonly failed: (error: Error) => void;
}

/**
 * Publishes signals; callers do not wait for the answers. Signals that cannot be sent at once wait in order. If more wait
 * than the limit allows, the oldest is dropped.
 */
export class Publisher {
  /** Number of signals that were dropped, or lost with the connection. */
  dropped = 0;
  #waiting: Waiting[] = [];
  /** The index of the oldest waiting signal in `#waiting`; earlier elements are empty. */
  #first = 0;
  #flight = this.#newFlight();
  #onIdle: (() => void) | undefined;

  constructor(
    private readonly send: (channel: string, envelope: Buffer) => Promise<unknown>,
    private readonly limit: number,
    /** Returns true while Redis can be reached. */
    private readonly isOpen: () => boolean,
    /** Called for each dropped signal. */
    private readonly onDrop: () => void,
    /** Called when Redis has refused a signal, before the next one is sent. */
    private readonly onFailure: (error: Error) => void,
  ) {}

  /** Number of waiting signals. */
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

  /** Resolves when no signals are in flight, or after `timeout` ms. */
  async idle(timeout: number): Promise<void> {
    if (this.#flight.count === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      timer = setTimeout(resolve, timeout);
    });
    clearTimeout(timer);
  }

  /** Publishes the waiting signals, as long as Redis can be reached and not too many are in flight. */
  flush(): void {
    while (this.size > 0 && this.#canSend) {
      const { channel, envelope } = this.#take();
      this.#send(channel, envelope);
    }
  }

  get #canSend(): boolean {
    return this.#flight.count < MAX_IN_FLIGHT && this.isOpen();
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

  /** Counts the signals in flight as dropped. None is sent again, as Redis may have received it or not. */
  connectionLost(): void {
    const { count } = this.#flight;
    this.#flight = this.#newFlight();
    for (let lost = 0; lost < count; lost++) this.#drop();
    this.#onIdle?.();
  }

  #send(channel: string, envelope: Buffer): void {
    const flight = this.#flight;
    flight.count++;
    this.send(channel, envelope).then(flight.sent, flight.failed);
  }

  #newFlight(): Flight {
    const answered = () => {
      flight.count--;
      if (flight !== this.#flight) return;
      this.flush();
      if (flight.count === 0) this.#onIdle?.();
    };
    const flight: Flight = {
      count: 0,
      sent: answered,
      failed: (error) => {
        if (flight !== this.#flight) return;
        this.onFailure(error);
        // `onFailure()` may have called `connectionLost()`, which has counted this signal.
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
