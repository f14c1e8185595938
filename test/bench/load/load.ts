import type { Exchange } from '../exchanges.js';

/** A kind of load. */
export type LoadKind =
  /** Connections do nothing. */
  | 'idle'
  /** Each connection keeps a number of requests in flight. */
  | 'requests'
  /** Each connection sends signals, and a request after a number of them. */
  | 'signals'
  /** All connections receive news of the server, and request more when they have arrived. */
  | 'news'
  /** Each connection receives signals of its own, and requests more when some have arrived. */
  | 'pushes'
  /** Each connection receives the items of streams, and grants more when some have arrived. */
  | 'streams'
  /** Each connection has streams, and grants no items. */
  | 'stalled streams'
  /** Connections send requests at a fixed rate, one after the other. */
  | 'paced';

export interface LoadTarget {
  readonly kind: LoadKind;
  readonly port: number;
  readonly exchange: Exchange;
  readonly connections: number;
  /** On each connection: requests in flight, streams, or news for one `go`. */
  readonly depth: number;
  /** For `paced`: requests per second, of all connections together. */
  readonly rate?: number;
  /** For `paced`: true if a further connection sends as much as possible meanwhile. */
  readonly isFlooded?: boolean;
  /** For `stalled streams`: true if the client reads what is sent without its grant. */
  readonly isReading?: boolean;
}

/** A running load. */
export interface RunningLoad {
  /** Number of replies, news or items received so far. */
  readonly delivered: number;
  /** Round trips since the last call, in milliseconds. */
  takeLatencies(): number[];
  /** Waits for messages in flight, so that the server is idle during the next measurement, and closes the connections. */
  stop(): Promise<void>;
}
