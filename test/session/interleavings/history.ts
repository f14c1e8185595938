/** How a connection lost its session, and when at the earliest and at the latest, in ticks. */
interface Departure {
  readonly isClose: boolean;
  readonly from: number;
  readonly to: number;
}

/** What must have become of a session that no connection has any more. */
export type Fate = 'destroyed' | 'kept' | 'either';

/** Ticks between what a client is told and what the server does about it. */
const SLACK = 8;

/** When clients lost their sessions, and what follows from that. */
export class History {
  /** Ticks so far. */
  now = 0;
  readonly #departures = new Map<string, Departure[]>();

  /** A connection was lost, or went over to another session. */
  left(key: string, to = this.now): void {
    this.#depart(key, { isClose: false, from: this.now, to });
  }

  /** As `left`, when the server is only about to do it. */
  isLeaving(key: string): void {
    this.left(key, this.now + SLACK);
  }

  /** A session was closed on a connection, by a request of this time. */
  closed(key: string, from = this.now): void {
    this.#depart(key, { isClose: true, from, to: this.now + SLACK });
  }

  /** A connection was lost whose session was about to be closed, by a request of this time. */
  mayClose(key: string, from: number): void {
    this.#depart(key, { isClose: true, from, to: Infinity });
  }

  /** The last to go decides: a session is destroyed if that one closed it. */
  fateOf(key: string): Fate {
    const departures = this.#departures.get(key) ?? [];
    const closes = departures.filter(({ isClose }) => isClose);
    const losses = departures.filter(({ isClose }) => !isClose);
    if (closes.every((close) => losses.some((loss) => close.to < loss.from))) return 'kept';
    const isCertain = closes.some((close) => close.to < Infinity && losses.every((loss) => loss.to < close.from));
    return isCertain ? 'destroyed' : 'either';
  }

  #depart(key: string, departure: Departure): void {
    this.#departures.set(key, [...(this.#departures.get(key) ?? []), departure]);
  }
}
