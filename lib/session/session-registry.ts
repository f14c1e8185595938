import { createHash } from 'node:crypto';
import type { PlaceRequest, PlaceResult, SessionClosing } from './session-membership.js';

/** Which connections hold which session. Every method that changes something may answer at once or with a promise. */
export interface SessionRegistry<Connection> {
  /** Gives a connection a place in a session, as far as the request allows; a connection never has two. */
  take(key: string, connection: Connection, request: PlaceRequest): PlaceResult | Promise<PlaceResult>;
  /** Takes the place back, if it has one: the connection is lost. */
  leave(key: string, connection: Connection): void | Promise<void>;
  /**
   * Takes the place back: the connection closes the session.
   * @returns Whether it was the last one.
   */
  close(key: string, connection: Connection): boolean | Promise<boolean>;
  /** Takes all places back. */
  closeAll(key: string): SessionClosing | Promise<SessionClosing>;
  /**
   * Closes a session that no connection has a place in any more.
   * @returns Whether this node has closed it, now or by a call before that failed.
   */
  closeUnheld(key: string): boolean | Promise<boolean>;
  /** How many connections have a place, of all nodes. */
  count(key: string): number | Promise<number>;
  /** The connections of this process that have a place in the session with this digest of its key. */
  holders(digest: string): readonly Connection[];
  /** The key of a session that connections of this process have a place in. */
  keyOf(digest: string): string | undefined;
  /** How many sessions have connections of this process. */
  readonly size: number;
}

interface Holding<Connection> {
  readonly key: string;
  readonly connections: Set<Connection>;
}

/** The registry of a single process. */
export class LocalSessionRegistry<Connection> implements SessionRegistry<Connection> {
  readonly #sessions = new Map<string, Holding<Connection>>();

  take(key: string, connection: Connection, { limit, isNew }: PlaceRequest): PlaceResult {
    const digest = digestOf(key);
    const holding = this.#sessions.get(digest) ?? { key, connections: new Set() };
    const { connections } = holding;
    if (!connections.has(connection) && connections.size >= (isNew ? 1 : limit)) return 'full';
    connections.add(connection);
    this.#sessions.set(digest, holding);
    return 'taken';
  }

  leave(key: string, connection: Connection): void {
    this.close(key, connection);
  }

  close(key: string, connection: Connection): boolean {
    const digest = digestOf(key);
    const connections = this.#sessions.get(digest)?.connections;
    if (!connections?.delete(connection) || connections.size > 0) return false;
    this.#sessions.delete(digest);
    return true;
  }

  closeAll(key: string): SessionClosing {
    const digest = digestOf(key);
    const connections = this.#sessions.get(digest)?.connections.size ?? 0;
    return { connections, isLast: this.#sessions.delete(digest) };
  }

  closeUnheld(key: string): boolean {
    return this.count(key) === 0;
  }

  count(key: string): number {
    return this.holders(digestOf(key)).length;
  }

  holders(digest: string): readonly Connection[] {
    return [...(this.#sessions.get(digest)?.connections ?? [])];
  }

  keyOf(digest: string): string | undefined {
    return this.#sessions.get(digest)?.key;
  }

  get size(): number {
    return this.#sessions.size;
  }
}

/** Looked up by digest, what a client guesses of a key tells nothing by the time that it takes. */
export function digestOf(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}
