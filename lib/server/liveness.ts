import type { WebwireConnection } from './connection.js';

/** A silence is measured in so many parts; it is noticed within one part more. */
const PARTS = 8;

/**
 * Finds the connections from which nothing came for the read timeout (PROTOCOL.md, section 7). One timer for all of them
 * looks, a few times per timeout, at how much each has received: messages cost nothing, and a process that was held up
 * for a while takes nobody for silent.
 */
export class LivenessMonitor {
  #timer: NodeJS.Timeout | undefined;

  /** @param readTimeout In milliseconds. */
  constructor(
    private readonly readTimeout: number,
    private readonly connections: ReadonlySet<WebwireConnection>,
  ) {}

  /** Called when a connection came or went: there is a timer for as long as there are connections. */
  update(): void {
    if (this.connections.size > 0) {
      this.#timer ??= setInterval(this.#look, Math.ceil(this.readTimeout / PARTS)).unref();
    } else {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }

  readonly #look = (): void => {
    for (const connection of this.connections) connection.checkLiveness(PARTS);
  };
}
