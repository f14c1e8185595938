import type { PlaceRequest, PlaceResult, SessionClosing, SessionMembership } from './session-membership.js';
import { digestOf, LocalSessionRegistry, type SessionRegistry } from './session-registry.js';

/** What holds a session, with a name that is unique among all nodes. */
interface Holder {
  readonly connection: { readonly id: string };
}

const UNLIMITED: PlaceRequest = { limit: Infinity, isNew: false };

/** The registry of one node among several: who is here it knows itself, how many there are elsewhere is asked for. */
export class ClusterSessionRegistry<Connection extends Holder> implements SessionRegistry<Connection> {
  readonly #local = new LocalSessionRegistry<Connection>();

  constructor(private readonly places: SessionMembership) {}

  /** Here at once, so that a closing that comes from another node meanwhile finds the connection. */
  async take(key: string, connection: Connection, request: PlaceRequest): Promise<PlaceResult> {
    const digest = digestOf(key);
    const isHeld = this.#local.holders(digest).includes(connection);
    if (this.#local.take(key, connection, request.isNew ? request : UNLIMITED) === 'full') return 'full';
    let result: PlaceResult | undefined;
    try {
      result = await this.places.take(digest, connection.connection.id, request);
      return result;
    } finally {
      if (result !== 'taken' && !isHeld) this.#local.leave(key, connection);
    }
  }

  async leave(key: string, connection: Connection): Promise<void> {
    this.#local.leave(key, connection);
    await this.places.leave(digestOf(key), connection.connection.id);
  }

  async close(key: string, connection: Connection): Promise<boolean> {
    this.#local.leave(key, connection);
    return this.places.close(digestOf(key), connection.connection.id);
  }

  async closeAll(key: string): Promise<SessionClosing> {
    this.#local.closeAll(key);
    return this.places.closeAll(digestOf(key));
  }

  closeUnheld(key: string): Promise<boolean> {
    return this.places.closeUnheld(digestOf(key));
  }

  count(key: string): Promise<number> {
    return this.places.count(digestOf(key));
  }

  holders(digest: string): readonly Connection[] {
    return this.#local.holders(digest);
  }

  keyOf(digest: string): string | undefined {
    return this.#local.keyOf(digest);
  }

  get size(): number {
    return this.#local.size;
  }
}
