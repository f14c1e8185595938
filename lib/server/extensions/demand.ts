/** What the source of a stream has to respect, so that nothing is made that the client does not take yet. */
export interface Demand {
  /** True if the source should make an item now. */
  readonly isReady: boolean;
  /** Resolves when the source should make an item, or the stream is over. */
  ready(): Promise<void>;
  /** The stream has not ended before this promise has settled. A rejection is logged. */
  waitFor(stopped: unknown): void;
}
