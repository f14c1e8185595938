/** Which connections are in which groups. A group exists as long as somebody is in it. */
export class Groups<Connection> {
  readonly #members = new Map<string, Set<Connection>>();
  readonly #joined = new Map<Connection, Set<string>>();

  /** @param isGone Tells of a connection whether it is closed for good. */
  constructor(private readonly isGone: (connection: Connection) => boolean) {}

  /** How many groups there are. */
  get size(): number {
    return this.#members.size;
  }

  /** Does nothing for a connection that is gone, as nobody would ever take it out again. */
  join(connection: Connection, group: string): void {
    if (this.isGone(connection)) return;
    link(this.#members, group, connection);
    link(this.#joined, connection, group);
  }

  leave(connection: Connection, group: string): void {
    unlink(this.#members, group, connection);
    unlink(this.#joined, connection, group);
  }

  /** The connection is gone. */
  leaveAll(connection: Connection): void {
    for (const group of this.#joined.get(connection) ?? []) unlink(this.#members, group, connection);
    this.#joined.delete(connection);
  }

  /** Those who are in a group now. */
  members(group: string): readonly Connection[] {
    return [...(this.#members.get(group) ?? [])];
  }
}

function link<Key, Value>(links: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const values = links.get(key);
  if (values) values.add(value);
  else links.set(key, new Set([value]));
}

function unlink<Key, Value>(links: Map<Key, Set<Value>>, key: Key, value: Value): void {
  const values = links.get(key);
  if (values?.delete(value) && values.size === 0) links.delete(key);
}
