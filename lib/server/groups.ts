/** Who wants to know which groups have members. */
export interface GroupObserver {
  /** A group has its first member. */
  groupOpened(group: string): void;
  /** A group has lost its last member. */
  groupClosed(group: string): void;
}

/** Which connections are in which groups. A group exists as long as somebody is in it. */
export class Groups<Connection> {
  readonly #members = new Map<string, Set<Connection>>();
  readonly #joined = new Map<Connection, Set<string>>();
  #observer: GroupObserver | undefined;

  /** @param isGone Tells of a connection whether it is closed for good. */
  constructor(private readonly isGone: (connection: Connection) => boolean) {}

  /** How many groups there are. */
  get size(): number {
    return this.#members.size;
  }

  /** Tells somebody of groups that come and go, and of those that are there already. */
  observe(observer: GroupObserver): void {
    this.#observer = observer;
    for (const group of this.#members.keys()) observer.groupOpened(group);
  }

  /** Does nothing for a connection that is gone, as nobody would ever take it out again. */
  join(connection: Connection, group: string): void {
    if (this.isGone(connection)) return;
    if (link(this.#members, group, connection)) this.#observer?.groupOpened(group);
    link(this.#joined, connection, group);
  }

  leave(connection: Connection, group: string): void {
    this.#remove(connection, group);
    unlink(this.#joined, connection, group);
  }

  /** The connection is gone. */
  leaveAll(connection: Connection): void {
    for (const group of this.#joined.get(connection) ?? []) this.#remove(connection, group);
    this.#joined.delete(connection);
  }

  /** Those who are in a group now. */
  members(group: string): readonly Connection[] {
    return [...(this.#members.get(group) ?? [])];
  }

  #remove(connection: Connection, group: string): void {
    if (unlink(this.#members, group, connection)) this.#observer?.groupClosed(group);
  }
}

/** Whether it is the first value of its key. */
function link<Key, Value>(links: Map<Key, Set<Value>>, key: Key, value: Value): boolean {
  const values = links.get(key);
  if (values) values.add(value);
  else links.set(key, new Set([value]));
  return !values;
}

/** Whether it was the last value of its key. */
function unlink<Key, Value>(links: Map<Key, Set<Value>>, key: Key, value: Value): boolean {
  const values = links.get(key);
  return values?.delete(value) === true && values.size === 0 && links.delete(key);
}
