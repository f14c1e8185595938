import { createHash } from 'node:crypto';

/**
 * Which connections hold which session. The port behind which several nodes can share their sessions; every method may
 * answer at once or with a promise.
 */
export interface SessionRegistry<Connection> {
  /**
   * Gives a connection a place in a session, unless `limit` connections have one; a connection never has two.
   * @returns Whether it has a place now.
   */
  add(key: string, connection: Connection, limit: number): boolean | Promise<boolean>;
  /**
   * Takes the place back, if it has one.
   * @returns How many connections are left.
   */
  remove(key: string, connection: Connection): number | Promise<number>;
  /** The connections that have a place. */
  connections(key: string): readonly Connection[];
  /** How many sessions have connections. */
  readonly size: number;
}

/** The registry of a single process. */
export class LocalSessionRegistry<Connection> implements SessionRegistry<Connection> {
  readonly #sessions = new Map<string, Set<Connection>>();

  add(key: string, connection: Connection, limit: number): boolean {
    const digest = digestOf(key);
    const holders = this.#sessions.get(digest) ?? new Set();
    if (!holders.has(connection) && holders.size >= limit) return false;
    this.#sessions.set(digest, holders.add(connection));
    return true;
  }

  remove(key: string, connection: Connection): number {
    const digest = digestOf(key);
    const holders = this.#sessions.get(digest);
    if (!holders) return 0;
    holders.delete(connection);
    if (holders.size === 0) this.#sessions.delete(digest);
    return holders.size;
  }

  connections(key: string): readonly Connection[] {
    return [...(this.#sessions.get(digestOf(key)) ?? [])];
  }

  get size(): number {
    return this.#sessions.size;
  }
}

/** Looked up by digest, what a client guesses of a key tells nothing by the time that it takes. */
export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64');
}
