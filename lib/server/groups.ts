/** Gets the groups that have members. */
interface GroupObserver {
  /** A group has its first member. */
  groupOpened(group: string): void;
  /** A group has lost its last member. */
  groupClosed(group: string): void;
}

/** The members of groups. A group exists while it has members. */
export class Groups<Connection> {
  readonly #members = new Map<string, Set<Connection>>();
  readonly #joined = new Map<Connection, Set<string>>();
  #observer: GroupObserver | undefined;

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

  /** Does nothing for a connection that is gone: `leaveAll()` was called for it already, and is not called again. */
  join(connection: Connection, group: string): void {
    if (this.isGone(connection)) return;
    if (addLink(this.#members, group, connection)) this.#observer?.groupOpened(group);
    addLink(this.#joined, connection, group);
  }

  leave(connection: Connection, group: string): void {
    this.#remove(connection, group);
    removeLink(this.#joined, connection, group);
  }

  /** Called when a connection is gone. */
  leaveAll(connection: Connection): void {
    for (const group of this.#joined.get(connection) ?? []) this.#remove(connection, group);
    this.#joined.delete(connection);
  }

  /** The members of a group at present. */
  members(group: string): readonly Connection[] {
    return [...(this.#members.get(group) ?? [])];
  }

  #remove(connection: Connection, group: string): void {
    if (removeLink(this.#members, group, connection)) this.#observer?.groupClosed(group);
  }
}

/** @returns True if it is the first value of its key. */
function addLink<Key, Value>(links: Map<Key, Set<Value>>, key: Key, value: Value): boolean {
  const values = links.get(key);
  if (values) values.add(value);
  else links.set(key, new Set([value]));
  return !values;
}

/** @returns True if it was the last value of its key. */
function removeLink<Key, Value>(links: Map<Key, Set<Value>>, key: Key, value: Value): boolean {
  const values = links.get(key);
  return values?.delete(value) === true && values.size === 0 && links.delete(key);
}
