import type { WebwireConnection } from './connection.js';
import { CHECKS_PER_TIMEOUT } from './liveness.js';

/**
 * Checks all connections of a server for silent and stalled peers (docs/PROTOCOL.md, section 7), with one timer for all, so
 * that messages cost nothing. It compares byte counts and not times: a process that was blocked for a while does not take
 * its peers for silent.
 */
export class LivenessMonitor {
  #timer: NodeJS.Timeout | undefined;

  /** @param readTimeout In milliseconds. */
  constructor(
    private readonly readTimeout: number,
    private readonly connections: ReadonlySet<WebwireConnection>,
  ) {}

  /** Called when a connection has opened or closed: the timer runs while there are connections. */
  update(): void {
    if (this.connections.size > 0) {
      this.#timer ??= setInterval(this.#check, Math.ceil(this.readTimeout / CHECKS_PER_TIMEOUT)).unref();
    } else {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  readonly #check = (): void => {
    for (const connection of this.connections) connection.checkLiveness();
  };
}
