import {
  isLater,
  memberKey,
  memberOf,
  type GroupChange,
  type GroupEntry,
  type GroupMemberEvent,
} from './group-member.js';

/** Emits an event. */
type Emit = (name: 'joined' | 'left', event: GroupMemberEvent) => void;

interface Member {
  /** The connections of the member, by id. */
  readonly entries: Map<string, GroupEntry>;
  /** The entry in the last event `joined`. */
  shown: GroupEntry | undefined;
}

/**
 * Turns changes of the connections in groups into events of members: `joined` for the first connection of a member, `left`
 * for its last, and both when the info of a member changes.
 */
export class GroupPresence {
  readonly #groups = new Map<string, Map<string, Member>>();
  readonly #events: Parameters<Emit>[] = [];
  #isEmitting = false;

  constructor(private readonly emit: Emit) {}

  /** Adds the existing members, without events. */
  begin(entries: Iterable<readonly [group: string, entry: GroupEntry]>): void {
    for (const [group, entry] of entries) this.#update(this.#add(group, entry), group, false);
  }

  change({ group, before, now }: GroupChange): void {
    const old = before && this.#groups.get(group)?.get(memberKey(before));
    const added = now && this.#add(group, now);
    if (old && old !== added) {
      old.entries.delete(before.connectionId);
      this.#update(old, group, true);
      if (old.entries.size === 0) this.#forget(group, memberKey(before));
    }
    if (added) this.#update(added, group, true);
    this.#emitAll();
  }

  #add(group: string, entry: GroupEntry): Member {
    let members = this.#groups.get(group);
    if (!members) this.#groups.set(group, (members = new Map()));
    const key = memberKey(entry);
    let member = members.get(key);
    if (!member) members.set(key, (member = { entries: new Map(), shown: undefined }));
    member.entries.set(entry.connectionId, entry);
    return member;
  }

  #forget(group: string, key: string): void {
    const members = this.#groups.get(group);
    members?.delete(key);
    if (members?.size === 0) this.#groups.delete(group);
  }

  #update(member: Member, group: string, isReported: boolean): void {
    const { shown } = member;
    let latest: GroupEntry | undefined;
    for (const entry of member.entries.values()) if (!latest || isLater(entry, latest)) latest = entry;
    member.shown = latest;
    if (!isReported || (shown && latest && isSameInfo(shown, latest))) return;
    if (shown) this.#events.push(['left', { group, ...memberOf(shown) }]);
    if (latest) this.#events.push(['joined', { group, ...memberOf(latest) }]);
  }

  /** Each listener gets all events in the same order, also if a listener causes further ones. */
  #emitAll(): void {
    if (this.#isEmitting) return;
    this.#isEmitting = true;
    for (let event = this.#events.shift(); event; event = this.#events.shift()) this.emit(...event);
    this.#isEmitting = false;
  }
}

function isSameInfo({ info }: GroupEntry, { info: other }: GroupEntry): boolean {
  return info === other || JSON.stringify(info) === JSON.stringify(other);
}
