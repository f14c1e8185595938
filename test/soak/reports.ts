/** What the server process tells the load process. */

/** Where the application listens. */
export interface Ports {
  /** The HTTP server of the application. */
  readonly http: number;
  /** The port that a gateway has for itself. */
  readonly own: number;
}

/** What the server process has in use while nobody is connected. */
export interface Reading {
  /** Objects on the heap after the garbage is collected, in bytes: without compiled code. */
  readonly heap: number;
  readonly code: number;
  readonly external: number;
  readonly arrayBuffers: number;
  /** How many of each kind of resource keep the process alive. */
  readonly resources: Readonly<Record<string, number>>;
}

/** What the server process has counted, over all its applications. */
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
