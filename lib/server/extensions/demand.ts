/** The demand of the client for items of a stream. The source makes an item only when the client takes one. */
export interface Demand {
  /** True if the source should make an item now. */
  readonly isReady: boolean;
  /** The number of items that the source, or operators behind it, have handed on. */
  readonly written: number;
  /** Resolves when the source should make an item, or the stream is over. */
  ready(): Promise<void>;
  /**
   * Something of the stream runs: a handler, a guard or an iterator. The stream keeps its place until that has ended.
   * @returns To be called then.
   */
  hold(): () => void;
  /** Logs the error of a source that was stopped, unless it is the consequence of the aborted signal. */
  stopFailed(error: unknown): void;
  /**
   * Called once, when the stream was answered.
   * @param listener Called when nothing of the stream runs any more.
   */
  whenStopped(listener: () => void): void;
}
