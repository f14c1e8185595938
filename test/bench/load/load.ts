import type { Exchange } from '../exchanges.js';

/** What connections do. */
export type LoadKind =
  /** Nothing. */
  | 'idle'
  /** Each keeps requests in flight: each reply makes room for one more. */
  | 'requests'
  /** Each sends signals, and a request now and then. */
  | 'signals'
  /** All wait for the server's news, and ask for more when they have got them. */
  | 'news'
  /** Requests are sent at a fixed rate, by one after the other. */
  | 'paced';

export interface LoadTarget {
  readonly kind: LoadKind;
  readonly port: number;
  readonly exchange: Exchange;
  readonly connections: number;
  /** Requests in flight on each connection; news that each connection gets for one go. */
  readonly depth: number;
  /** For `paced`: requests per second, all in all. */
  readonly rate?: number;
  /** For `paced`: whether one more connection sends as much as it can meanwhile. */
  readonly isFlooded?: boolean;
}

/** A load that is on. */
export interface RunningLoad {
  /** How many messages were delivered so far: replies or news. */
  readonly delivered: number;
  /** Round trips since the last call, in milliseconds. */
  takeLatencies(): number[];
  /** Lets what is on its way arrive, so that the server is idle when another is measured, and closes. */
  stop(): Promise<void>;
}
