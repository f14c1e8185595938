/** A client of a contender. */
export interface LoadClient {
  /** Becomes a member of the group, also in the eyes of the other node. */
  join(): Promise<void>;
  /** Says something to the members of the group. */
  say(): void;
  /** Sends a request. */
  ask(): void;
  /** Called for whatever arrives from now on. */
  onMessage: () => void;
  close(): void;
}

/** 32 bytes. */
export const TEXT = 'x'.repeat(32);
