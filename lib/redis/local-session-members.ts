import type { Keys } from './keys.js';
import type { ChannelSubscriptions } from './channel-subscriptions.js';

/** A connection of this node that is a member of a session. */
export interface LocalMember {
  readonly session: string;
  readonly member: string;
  /** The epoch in which Redis has registered it; `''` for none. */
  epoch: string;
  confirmedAt: number;
}

/** A session whose channel this node subscribes to. */
interface LocalSession {
  readonly members: Map<string, LocalMember>;
  /** The number of `expect()` calls without a `settle()` call. */
  pending: number;
}

/** The members of sessions on this node, and the subscriptions to the channels of their sessions. */
export class LocalSessionMembers {
  /** The members by session and id, those first that were confirmed longest ago. */
  readonly #members = new Map<string, LocalMember>();
  readonly #sessions = new Map<string, LocalSession>();

  constructor(
    private readonly keys: Keys,
    private readonly subscriptions: ChannelSubscriptions,
  ) {}

  /** The number of members. */
  get size(): number {
    return this.#members.size;
  }

  /** All members, those first that were confirmed longest ago. */
  get all(): Iterable<LocalMember> {
    return this.#members.values();
  }

  of(session: string): Iterable<LocalMember> {
    return this.#sessions.get(session)?.members.values() ?? [];
  }

  get(session: string, member: string): LocalMember | undefined {
    return this.#members.get(entryKey(session, member));
  }

  /** Subscribes to the channel of a session until `settle()`, and for as long as the session has members on this node. */
  expect(session: string): void {
    const local = this.#sessions.get(session);
    if (local) local.pending++;
    else this.#sessions.set(session, { members: new Map(), pending: 1 });
    this.subscriptions.add(this.keys.sessionChannel(session)).catch(() => undefined);
  }

  settle(session: string): void {
    this.#sessions.get(session)!.pending--;
    this.#unsubscribeIfUnused(session);
  }

  /** Adds a member between `expect()` and `settle()`. */
  add(session: string, member: string, epoch: string): LocalMember {
    const local = { session, member, epoch, confirmedAt: performance.now() };
    this.#members.set(entryKey(session, member), local);
    this.#sessions.get(session)!.members.set(member, local);
    return local;
  }

  /** @returns False if the connection was not a member. */
  remove(session: string, member: string): boolean {
    if (!this.#members.delete(entryKey(session, member))) return false;
    this.#sessions.get(session)!.members.delete(member);
    this.#unsubscribeIfUnused(session);
    return true;
  }

  /** @param epoch The epoch in which the member was registered; the node may have begun another one meanwhile. */
  confirm(local: LocalMember, epoch: string): void {
    const key = entryKey(local.session, local.member);
    local.epoch = epoch;
    local.confirmedAt = performance.now();
    // Moves it to the end of the map, which is in the order of confirmations.
    this.#members.delete(key);
    this.#members.set(key, local);
  }

  #unsubscribeIfUnused(session: string): void {
    const { members, pending } = this.#sessions.get(session)!;
    if (members.size > 0 || pending > 0) return;
    this.#sessions.delete(session);
    this.subscriptions.remove(this.keys.sessionChannel(session));
  }
}

function entryKey(session: string, member: string): string {
  return `${session}/${member}`;
}
