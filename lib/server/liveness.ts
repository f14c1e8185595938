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

  /** Watches for as long as there are connections. */
  start(): void {
    this.#timer ??= setInterval(this.#look, Math.min(Math.ceil(this.readTimeout / PARTS), 0x7fff_ffff)).unref();
  }

  readonly #look = (): void => {
    if (this.connections.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    for (const connection of this.connections) connection.checkLiveness(PARTS);
  };
}
