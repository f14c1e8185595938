import type { JsonValue } from '../common/json-copy.js';

/** A member of a group. */
export interface GroupMember {
  /** The connection of the member; of several with the same `as`, the one that joined last. */
  readonly connectionId: string;
  /** The name under which several connections count as one member; absent if `join()` was given none. */
  readonly as?: string;
  /** The `info` that `join()` was given: a frozen copy. */
  readonly info: JsonValue | undefined;
}

/** A member that has joined or left a group. */
export interface GroupMemberEvent extends GroupMember {
  readonly group: string;
}

/** The membership of a single connection in a group. */
export interface GroupEntry extends GroupMember {
  /** Time at which the connection joined, or its info was last replaced, in ms since 1970. */
  readonly joinedAt: number;
}

/** The membership of a connection in a group began (`before` is `undefined`), changed, or ended (`now` is `undefined`). */
export interface GroupChange {
  readonly group: string;
  readonly before: GroupEntry | undefined;
  readonly now: GroupEntry | undefined;
}

/** The number of members of a group, as far as it can be counted without those of other nodes. */
export interface GroupCount {
  /** Number of members that joined without `as`. */
  readonly unnamed: number;
  /** The different values of `as`. */
  readonly names: readonly string[];
}

/** The key of the member that a connection belongs to. A name never equals the id of a connection. */
export function memberKey({ connectionId, as }: GroupMember): string {
  return as === undefined ? connectionId : `as ${as}`;
}

/** One member for each key, in the order in which they joined. */
export function membersOf(entries: Iterable<GroupEntry>): GroupMember[] {
  const latest = new Map<string, GroupEntry>();
  for (const entry of entries) {
    const key = memberKey(entry);
    const other = latest.get(key);
    if (!other || isLater(entry, other)) latest.set(key, entry);
  }
  return [...latest.values()].sort((a, b) => (isLater(a, b) ? 1 : -1)).map(memberOf);
}

export function countEntries(entries: Iterable<GroupEntry>): GroupCount {
  let unnamed = 0;
  const names = new Set<string>();
  for (const { as } of entries) {
    if (as === undefined) unnamed++;
    else names.add(as);
  }
  return { unnamed, names: [...names] };
}

/** The sum of what several nodes have counted. */
export function addCounts(counts: readonly GroupCount[]): number {
  const names = new Set(counts.flatMap((count) => count.names));
  return counts.reduce((sum, { unnamed }) => sum + unnamed, names.size);
}

/** Decides in the same way on every node which of two connections joined later. */
export function isLater(entry: GroupEntry, other: GroupEntry): boolean {
  return entry.joinedAt === other.joinedAt ? entry.connectionId > other.connectionId : entry.joinedAt > other.joinedAt;
}

export function memberOf({ connectionId, as, info }: GroupMember): GroupMember {
  return as === undefined ? { connectionId, info } : { connectionId, as, info };
}
