/** A client of a contender. */
export interface LoadClient {
  /** Joins the group. Resolves when the other node sends its signals to this client. */
  join(): Promise<void>;
  /** Sends a signal to the members of the group. */
  say(): void;
  /** Sends a request. */
  ask(): void;
  /** Called for each message that arrives from now on. */
  onMessage: () => void;
  close(): void;
}

/** 32 bytes. */
export const TEXT = 'x'.repeat(32);
