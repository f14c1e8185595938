import type { Failures } from '../failures.js';
import type { Ports } from '../reports.js';
import type { Pulse } from './pulse.js';
import type { Restarts } from './restarts.js';
import type { Sessions } from './sessions.js';

/** Counters of the clients. */
export interface Tally {
  /** Number of opened connections, and of rejected attempts. */
  opened: number;
  refused: number;
  /** Raw TCP connections of troublemakers. */
  raw: number;
  requests: number;
  replies: number;
  /** Requests whose connection closed before they were answered. */
  unanswered: number;
  /** Number of replies of a server that shuts down; included in the replies. */
  shutdowns: number;
  signals: number;
  violations: number;
}

/** Values that all clients of a run share. */
export interface World {
  ports: Ports;
  /** True when all clients must leave in an orderly way. */
  isEnding: boolean;
  readonly tally: Tally;
  readonly failures: Failures;
  readonly restarts: Restarts;
  readonly pulse: Pulse;
  readonly sessions: Sessions;
}

export function createTally(): Tally {
  return {
    opened: 0,
    refused: 0,
    raw: 0,
    requests: 0,
    replies: 0,
    unanswered: 0,
    shutdowns: 0,
    signals: 0,
    violations: 0,
  };
}
