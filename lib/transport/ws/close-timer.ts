import type { Socket } from 'node:net';
import { CLOSE_TIMEOUT } from '../../common/timeout.js';
import { bytesTaken } from './writing/bytes-taken.js';

/**
 * Destroys a socket whose peer does not take part in closing it. A peer that still takes data gets all of it, because replies may be
 * among it, but within a limit, because it could take it byte by byte.
 */
export class CloseTimer {
  /** When the limit is reached, by `performance.now()`. */
  readonly #end: number;
  #taken = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param limit Time in which a peer that takes data has to take all of it, in milliseconds. */
  constructor(
    private readonly socket: Socket,
    limit: number,
  ) {
    this.#end = performance.now() + limit;
    this.#wait();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    this.#taken = bytesTaken(this.socket);
    this.#timer = setTimeout(this.#check, CLOSE_TIMEOUT);
  }

  readonly #check = (): void => {
    const isTaking = bytesTaken(this.socket) !== this.#taken;
    if (isTaking && performance.now() < this.#end) this.#wait();
    else this.socket.destroy();
  };
}
