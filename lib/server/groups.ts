import type { GroupMembership } from './join-options.js';

/** Notified of groups that get their first member or lose their last one. */
interface GroupObserver {
  /** Called when a group has got its first member. */
  groupOpened(group: string): void;
  /** Called when a group has lost its last member. */
  groupClosed(group: string): void;
}

/** The membership of a connection, with the time at which it began, in ms since 1970. */
export interface DatedMembership extends GroupMembership {
  readonly joinedAt: number;
}

/** Notified of connections whose membership in a group began, changed, or ended (`now` is `undefined`). */
export type MembershipListener<Connection> = (
  group: string,
  connection: Connection,
  now: DatedMembership | undefined,
  before: DatedMembership | undefined,
) => void;

const PLAIN: GroupMembership = { as: undefined, info: undefined };

/** The members of groups. A group exists while it has members. */
export class Groups<Connection> {
  readonly #members = new Map<string, Map<Connection, DatedMembership>>();
  readonly #joined = new Map<Connection, Set<string>>();
  #observer: GroupObserver | undefined;
  #listener: MembershipListener<Connection> | undefined;
  #lastJoinedAt = 0;

  /** @param isGone Returns true for a connection that is closed. */
  constructor(private readonly isGone: (connection: Connection) => boolean) {}

  /** The number of groups. */
  get size(): number {
    return this.#members.size;
  }

  /** Reports groups that open or close from now on to the observer, and at once those that are open. */
  observe(observer: GroupObserver): void {
    this.#observer = observer;
    for (const group of this.#members.keys()) observer.groupOpened(group);
  }

  /** Calls a function for each membership that begins, changes or ends from now on. */
  listen(listener: MembershipListener<Connection>): void {
    this.#listener = listener;
  }

  /**
   * Does nothing for a connection that is gone: `leaveAll()` was called for it already, and is not called again.
   * @param membership If given, replaces the membership of a connection that is a member already.
   */
  join(connection: Connection, group: string, membership?: GroupMembership): void {
    if (this.isGone(connection)) return;
    let members = this.#members.get(group);
    const before = members?.get(connection);
    if (before && !membership) return;
    // Two joins in the same millisecond get different times, too, so that their order is known.
    this.#lastJoinedAt = Math.max(Date.now(), this.#lastJoinedAt + 0.001);
    const now = { ...(membership ?? PLAIN), joinedAt: this.#lastJoinedAt };
    if (members) members.set(connection, now);
    else {
      members = new Map([[connection, now]]);
      this.#members.set(group, members);
      this.#observer?.groupOpened(group);
    }
    if (!before) this.#link(connection, group);
    this.#listener?.(group, connection, now, before);
  }

  leave(connection: Connection, group: string): void {
    const groups = this.#joined.get(connection);
    if (!groups?.delete(group)) return;
    if (groups.size === 0) this.#joined.delete(connection);
    this.#remove(connection, group);
  }

  /** Called when a connection is gone. */
  leaveAll(connection: Connection): void {
    const groups = this.#joined.get(connection);
    if (!groups) return;
    this.#joined.delete(connection);
    for (const group of groups) this.#remove(connection, group);
  }

  /** The members of a group at present. */
  members(group: string): readonly Connection[] {
    return [...(this.#members.get(group)?.keys() ?? [])];
  }

  /** The connections that are in a group at present, with their memberships. */
  memberships(group: string): Iterable<readonly [Connection, DatedMembership]> {
    return this.#members.get(group) ?? [];
  }

  /** The names of all groups. */
  get names(): Iterable<string> {
    return this.#members.keys();
  }

  #link(connection: Connection, group: string): void {
    const groups = this.#joined.get(connection);
    if (groups) groups.add(group);
    else this.#joined.set(connection, new Set([group]));
  }

  #remove(connection: Connection, group: string): void {
    const members = this.#members.get(group);
    const before = members?.get(connection);
    if (!members?.delete(connection)) return;
    if (members.size === 0) {
      this.#members.delete(group);
      this.#observer?.groupClosed(group);
    }
    this.#listener?.(group, connection, undefined, before);
  }
}
