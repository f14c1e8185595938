import type { TransportConnection } from './ports/transport-connection.js';
import type { WebwireConnection } from './connection.js';

/** The read timeout is measured in so many parts; a silence is noticed within one part more. */
const PARTS = 8;

/**
 * Finds the connections on which nothing has moved for the read timeout (PROTOCOL.md, section 7). One timer for all of them
 * looks, a few times per timeout, at how much each has received and sent: messages cost nothing, and a process that was held
 * up for a while takes no peer for silent.
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
    for (const connection of this.connections) connection.checkLiveness();
  };
}

/** What moved on one connection when it was looked at last, and how often it was found the same since. */
export class Liveness {
  #bytesRead = -1;
  #silence = 0;
  #bytesWritten = -1;
  #standstill = 0;

  /**
   * Called at regular intervals, `PARTS` times per read timeout. Probes a peer that has been silent for half of it.
   * @param isRead Whether the server reads from the peer; while it does not, silence proves nothing.
   * @returns `silent` when nothing has arrived for the read timeout; `stalled` when something waits for the peer, which has
   *   taken nothing for as long.
   */
  look(transportConnection: TransportConnection, isRead: boolean): 'silent' | 'stalled' | undefined {
    const { bufferedAmount, bytesRead, bytesWritten = bufferedAmount } = transportConnection;
    if (bufferedAmount === 0 || bytesWritten !== this.#bytesWritten) {
      this.#bytesWritten = bytesWritten;
      this.#standstill = 0;
    } else if (++this.#standstill === PARTS) {
      return 'stalled';
    }
    if (!isRead) {
      // A peer that is gone shows when something is sent to it. What waits already will do.
      if (bufferedAmount === 0) transportConnection.probe?.();
      this.#silence = 0;
    } else if (bytesRead !== this.#bytesRead) {
      this.#silence = 0;
    } else if (++this.#silence === PARTS / 2) {
      transportConnection.probe?.();
    } else if (this.#silence === PARTS) {
      return 'silent';
    }
    this.#bytesRead = bytesRead;
    return undefined;
  }
}
