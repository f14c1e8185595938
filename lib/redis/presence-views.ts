import type { GroupChange, GroupEntry } from '../server/group-member.js';
import {
  fromWire,
  isLeft,
  type PresenceMessageOf,
  type StreamPosition,
  type WireEntry,
  type WireLeft,
} from './presence-messages.js';

/** The entries of a node, by group and id of the connection. */
type Entries = Map<string, Map<string, GroupEntry>>;

/** The members of groups on another node, as far as they have been received. */
interface View {
  entries: Entries;
  /** `undefined` if changes were missed. */
  position: StreamPosition | undefined;
  /** The request for all entries whose answer is not complete yet. */
  request: Request | undefined;
}

interface Request {
  readonly id: string;
  readonly askedAt: number;
  /** The number of messages of the answer that arrived, and what they contain. */
  count: number;
  readonly received: WireEntry[];
  /** Changes that arrived before the answer was complete. The answer may contain them or not. */
  readonly changes: PresenceMessageOf<'changes'>[];
}

/** The most changes that are kept before an answer is complete. Beyond that, the answer is requested again. */
const MAX_WAITING_CHANGES = 10_000;

/**
 * Copies of the group members of the other nodes, one copy for each node. A copy follows the changes that the node publishes.
 * When changes were missed, the copy is replaced and the differences are reported, so that the sum of all reported changes
 * always equals the copy.
 */
export class PresenceViews {
  readonly #views = new Map<string, View>();

  constructor(
    /** The time after which an answer that did not arrive is requested again, in ms. */
    private readonly patience: number,
    /** Asks a node for all its entries. @returns The id of the request. */
    private readonly sendRequest: (node: string) => string,
    private readonly onChange: (changes: readonly GroupChange[]) => void,
  ) {}

  /** The ids of the nodes. */
  get nodes(): Iterable<string> {
    return this.#views.keys();
  }

  /** Marks all copies as outdated, as changes may have been missed. */
  missed(): void {
    for (const view of this.#views.values()) {
      view.position = undefined;
      view.request = undefined;
    }
  }

  /** Asks a node for its entries, unless there is an up-to-date copy or the node has been asked already. */
  follow(node: string): void {
    const view = this.#viewOf(node);
    if (!view.position) this.#ask(node, view);
  }

  /** Removes the copy of a dead node, and reports that its connections have left all groups. */
  drop(node: string): void {
    const view = this.#views.get(node);
    if (!view) return;
    this.#views.delete(node);
    this.#report(view.entries, new Map());
  }

  answered({ from, id, index, entries, isLast, position }: PresenceMessageOf<'answer'>): void {
    const view = this.#views.get(from);
    const request = view?.request;
    // If an earlier part was lost, the answer stays incomplete, and the node is asked again.
    if (!view || request?.id !== id || request.count !== index) return;
    request.count++;
    request.received.push(...entries);
    if (!isLast || !position) return;
    view.request = undefined;
    const before = view.entries;
    view.entries = entriesOf(request.received);
    view.position = position;
    this.#report(before, view.entries);
    for (const message of request.changes) this.changes(message);
  }

  changes(message: PresenceMessageOf<'changes'>): void {
    const { from, position, changes } = message;
    const view = this.#viewOf(from);
    if (view.request && view.request.changes.length < MAX_WAITING_CHANGES) {
      view.request.changes.push(message);
      this.#askAgainIfLate(from, view);
      return;
    }
    const isSameStream = view.position?.stream === position.stream;
    if (isSameStream && position.seq <= view.position!.seq) return;
    if (!isSameStream || position.seq > view.position!.seq + 1) {
      this.#ask(from, view);
      return;
    }
    view.position = position;
    const reported: GroupChange[] = [];
    for (const item of changes) {
      const change = apply(view.entries, item);
      if (change) reported.push(change);
    }
    this.onChange(reported);
  }

  position({ from, position }: PresenceMessageOf<'position'>): void {
    const view = this.#viewOf(from);
    if (view.request) this.#askAgainIfLate(from, view);
    else if (view.position?.stream !== position.stream || view.position.seq !== position.seq) this.#ask(from, view);
  }

  #viewOf(node: string): View {
    let view = this.#views.get(node);
    if (!view) this.#views.set(node, (view = { entries: new Map(), position: undefined, request: undefined }));
    return view;
  }

  #askAgainIfLate(node: string, view: View): void {
    if (performance.now() - view.request!.askedAt > this.patience) this.#ask(node, view);
  }

  #ask(node: string, view: View): void {
    if (view.request && performance.now() - view.request.askedAt < this.patience) return;
    view.position = undefined;
    view.request = { id: this.sendRequest(node), askedAt: performance.now(), count: 0, received: [], changes: [] };
  }

  #report(before: Entries, now: Entries): void {
    const changes: GroupChange[] = [];
    for (const [group, entries] of before) {
      for (const [connectionId, entry] of entries) {
        if (!now.get(group)?.has(connectionId)) changes.push({ group, before: entry, now: undefined });
      }
    }
    for (const [group, entries] of now) {
      for (const [connectionId, entry] of entries) {
        const old = before.get(group)?.get(connectionId);
        if (!old || JSON.stringify(old) !== JSON.stringify(entry)) changes.push({ group, before: old, now: entry });
      }
    }
    this.onChange(changes);
  }
}

function entriesOf(items: readonly WireEntry[]): Entries {
  const entries: Entries = new Map();
  for (const item of items) apply(entries, item);
  return entries;
}

/** @returns `undefined` if the entries are the same afterwards. */
function apply(entries: Entries, item: WireEntry | WireLeft): GroupChange | undefined {
  const [group, connectionId] = item;
  const connections = entries.get(group);
  const before = connections?.get(connectionId);
  if (isLeft(item)) {
    if (!connections?.delete(connectionId)) return undefined;
    if (connections.size === 0) entries.delete(group);
    return { group, before, now: undefined };
  }
  const now = fromWire(item);
  if (connections) connections.set(connectionId, now);
  else entries.set(group, new Map([[connectionId, now]]));
  return { group, before, now };
}
