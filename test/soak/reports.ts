/** Messages of the server process to the load process. */

/** The ports of the application. */
export interface Ports {
  /** The HTTP server of the application. */
  readonly http: number;
  /** The port of the gateway that has its own. */
  readonly own: number;
}

/** The resources of the server process while no client is connected. */
export interface Reading {
  /** Size of the heap after garbage collection, without compiled code, in bytes. */
  readonly heap: number;
  readonly code: number;
  readonly external: number;
  readonly arrayBuffers: number;
  /** Number of the resources of each kind that keep the process alive. */
  readonly resources: Readonly<Record<string, number>>;
}

/** Counters of the server process, over all its applications. */
export interface Counts {
  connections: number;
  disconnections: number;
  /** Most connections at once. */
  peak: number;
  /** Disconnections by reason. */
  reasons: Record<string, number>;
  handlers: number;
  violations: number;
  drops: number;
  refusals: number;
  shutdowns: number;
}

/** The end of the server's side of a run. */
export interface ServerReport {
  readonly counts: Counts;
  readonly failures: readonly string[];
  /** Resources before the first application started, and after the last one closed. */
  readonly before: Reading['resources'];
  readonly after: Reading['resources'];
}
