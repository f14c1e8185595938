import { CLOSE_TIMEOUT } from '../common/timeout.js';

/** The connection to a peer that has to take the data which waits for it. */
interface ClosingConnection {
  /** Total bytes that the peer, or the operating system for it, has taken. */
  readonly bytesWritten: number;
  terminate(): void;
}

/**
 * Terminates a connection whose peer does not take part in closing it. A peer that still takes data gets all of it, because replies
 * may be among it, but within a limit, because it could take it byte by byte.
 */
export class CloseTimer {
  /** When the limit is reached, by `performance.now()`. */
  readonly #end: number;
  #taken = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param limit Time in which a peer that takes data has to take all of it, in milliseconds. */
  constructor(
    private readonly connection: ClosingConnection,
    limit: number,
  ) {
    this.#end = performance.now() + limit;
    this.#wait();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#taken = this.connection.bytesWritten;
    this.#timer = setTimeout(this.#check, CLOSE_TIMEOUT);
  }

  readonly #check = (): void => {
    const isTaking = this.connection.bytesWritten !== this.#taken;
    if (isTaking && performance.now() < this.#end) this.#wait();
    else this.connection.terminate();
  };
}
