import type { TransportConnection } from './ports/transport-connection.js';

/** Checks per read timeout. A silence is noticed at most one interval late. */
export const CHECKS_PER_TIMEOUT = 8;

/** Detects a connection on which no data moves, by comparing its byte counts with those of the last check. */
export class Liveness {
  #bytesRead = -1;
  /** Number of checks since data last arrived. */
  #silence = 0;
  #bytesWritten = -1;
  /** Number of checks since the peer last took data, while data waited. */
  #standstill = 0;

  /**
   * Called `CHECKS_PER_TIMEOUT` times per read timeout. Probes a peer that has been silent for half of the timeout.
   * @param isRead True if the server reads from the peer; while it does not, silence proves nothing.
   * @returns `silent` if nothing has arrived for the read timeout; `stalled` if data waits for the peer, which has taken
   *   none for the read timeout.
   */
  check(transportConnection: TransportConnection, isRead: boolean): 'silent' | 'stalled' | undefined {
    const { bufferedAmount, bytesRead, bytesWritten = bufferedAmount } = transportConnection;
    if (bufferedAmount === 0 || bytesWritten !== this.#bytesWritten) {
      this.#bytesWritten = bytesWritten;
      this.#standstill = 0;
    } else if (++this.#standstill === CHECKS_PER_TIMEOUT) {
      return 'stalled';
    }
    if (!isRead) {
      // A lost peer is noticed only when data is sent to it. If data waits already, no probe is needed.
      if (bufferedAmount === 0) transportConnection.probe?.();
      this.#silence = 0;
    } else if (bytesRead !== this.#bytesRead) {
      this.#silence = 0;
    } else if (++this.#silence === CHECKS_PER_TIMEOUT / 2) {
      transportConnection.probe?.();
    } else if (this.#silence === CHECKS_PER_TIMEOUT) {
      return 'silent';
    }
    this.#bytesRead = bytesRead;
    return undefined;
  }
}
