/** An event at an unknown time between two ticks. */
interface Span {
  readonly from: number;
  to: number;
}

/** The way in which a connection lost its session. */
interface Departure extends Span {
  readonly how: 'left' | 'closed' | 'perhaps closed';
}

/** The expected state of a session that no connection has any more. */
export type Fate = 'destroyed' | 'kept' | 'either';

/** Most ticks between a message to a client and the change on the server that it reports. */
const SLACK = 8;

/** Records when clients lost their sessions, and derives the expected state of each session. */
export class History {
  /** Ticks so far. */
  now = 0;
  readonly #departures = new Map<string, Departure[]>();
  readonly #orders = new Map<string, Span[]>();

  /** A connection was lost. */
  lost(key: string): void {
    add(this.#departures, key, { how: 'left', from: this.now, to: this.now });
  }

  /** A connection changes to another session. */
  goesOver(key: string): void {
    add(this.#departures, key, { how: 'left', from: this.now, to: this.now + SLACK });
  }

  /** A session was closed on a connection, by a request of this time. */
  closed(key: string, from = this.now): void {
    add(this.#departures, key, { how: 'closed', from, to: this.now + SLACK });
  }

  /** A connection was lost whose session was about to be closed, by a request of this time. */
  lostWhileClosing(key: string, from: number): void {
    add(this.#departures, key, { how: 'perhaps closed', from, to: Infinity });
  }

  /** A session will be closed on all connections. @returns A function to call when it is closed. */
  ordered(key: string): () => void {
    const order = { from: this.now, to: Infinity };
    add(this.#orders, key, order);
    return () => {
      order.to = this.now + SLACK;
    };
  }

  /** A session is destroyed if the last connection that had it closed it. */
  fateOf(key: string): Fate {
    const departures = this.#departures.get(key) ?? [];
    const leaving = departures.filter(({ how }) => how === 'left');
    const closed = departures.filter(({ how }) => how === 'closed');
    const perhaps = departures.filter(({ how }) => how === 'perhaps closed');
    // A client that is changing to another session gets no notice that this one is closed.
    const orders = (this.#orders.get(key) ?? []).filter((order) =>
      leaving.some(({ from, to }) => from < to && from <= order.to && order.from <= to),
    );
    const closes: Span[] = [...closed, ...perhaps, ...orders];
    if (closes.every((close) => leaving.some(({ from }) => close.to < from))) return 'kept';
    return closed.some((close) => leaving.every(({ to }) => to < close.from)) ? 'destroyed' : 'either';
  }
}

function add<T>(lists: Map<string, T[]>, key: string, item: T): void {
  lists.set(key, [...(lists.get(key) ?? []), item]);
}
