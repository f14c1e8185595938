import type { ServerLogger } from '../../common/logger.js';
import { networkOf } from './ip-address.js';

/** Shortest time between two log lines about refused clients, in milliseconds. */
const LOG_INTERVAL = 60_000;

/**
 * Counts the connections of each address, handshakes under way included. An address is kept only while it has a connection, so
 * that the memory is bounded by the number of connections.
 */
export class ConnectionsPerAddress {
  /** By network. Stays empty without a limit. */
  readonly #counts = new Map<string, number>();
  /** Time from which on a refusal is logged. */
  #quietUntil = -Infinity;
  /** Refusals that were not logged. */
  #unlogged = 0;

  /** @param limit Most connections of one address; Infinity for no limit. */
  constructor(
    private readonly limit: number,
    private readonly logger: ServerLogger,
  ) {}

  /** True if an address has as many connections as it may have. Clients without an address have no limit. */
  isFull(address: string | undefined): boolean {
    if (this.limit === Infinity || address === undefined) return false;
    return (this.#counts.get(networkOf(address)) ?? 0) >= this.limit;
  }

  /** Counts a connection, until `remove()` is called. */
  add(address: string | undefined): void {
    this.#change(address, 1);
  }

  remove(address: string | undefined): void {
    this.#change(address, -1);
  }

  /** Logs that a client was refused: at most once a minute, as an attacker may try again and again. */
  reportRefusal(address: string | undefined): void {
    const now = performance.now();
    if (now < this.#quietUntil) {
      this.#unlogged++;
      return;
    }
    const others = this.#unlogged > 0 ? `; ${this.#unlogged} others were refused since the last line like this` : '';
    this.logger.warn(
      `A client was refused, as its address ${address} has as many connections as maxConnectionsPerAddress allows: ` +
        `${this.limit}. If these are several users, raise it; if they come through a proxy, set trustProxy${others}`,
    );
    this.#quietUntil = now + LOG_INTERVAL;
    this.#unlogged = 0;
  }

  #change(address: string | undefined, by: number): void {
    if (this.limit === Infinity || address === undefined) return;
    const network = networkOf(address);
    const count = (this.#counts.get(network) ?? 0) + by;
    if (count > 0) this.#counts.set(network, count);
    else this.#counts.delete(network);
  }
}
