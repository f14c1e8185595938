import { randomBytes } from 'node:crypto';
import { countEntries, type GroupChange, type GroupCount, type GroupEntry } from '../server/group-member.js';
import { ClusterUnavailableError, type ClusterNode, type ClusterPresence } from '../server/ports/cluster.js';
import { PresenceInquiry } from './presence-inquiry.js';
import {
  chunksOf,
  decodePresence,
  encodePresence,
  toWire,
  type PresenceMessage,
  type PresenceMessageOf,
  type WireEntry,
} from './presence-messages.js';
import { PresenceStream, type StreamHost } from './presence-stream.js';
import { PresenceViews } from './presence-views.js';

/** The parts of the node that its presence needs. */
export interface PresenceHost extends StreamHost {
  readonly nodeTimeout: number;
  readonly commandTimeout: number;
  readonly membership: { readonly nodeId: string; readonly isConnected: boolean; readonly canJudge: boolean };
  /** `undefined` before the start of the application. */
  readonly node: ClusterNode | undefined;
  /** Subscribes to a channel until the end. Rejects without a connection, and subscribes when there is one again. */
  subscribe(channel: string): Promise<void>;
}

/** The time between the end of a lease and its next check, in ms. */
const AFTER_LEASE = 10;

/**
 * The members of groups on all nodes. Each node keeps the list of its own connections. Redis only keeps the set of nodes:
 *
 * - `entries()` and `count()` ask all nodes that have a lease, so a join sends no message to other nodes.
 * - A node that watches keeps a copy of the members of each other node. It requests all of them once and then follows the
 *   changes, which nodes publish as long as there is a subscriber. Changes are numbered, and each node publishes its last
 *   number regularly. So a node detects lost changes, and replaces its copy.
 * - A node without a lease has no members. A node that returns begins a new stream of changes.
 */
export class RedisPresence implements ClusterPresence {
  readonly #stream: PresenceStream;
  readonly #inquiries = new Map<string, PresenceInquiry>();
  #views: PresenceViews | undefined;
  #answersSubscribed: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(private readonly host: PresenceHost) {
    this.#stream = new PresenceStream(host);
  }

  async entries(group: string): Promise<readonly GroupEntry[]> {
    return (await this.#inquire(group, 'entries')).entries;
  }

  async count(group: string): Promise<readonly GroupCount[]> {
    return (await this.#inquire(group, 'count')).counts;
  }

  watch(): void {
    this.#views ??= new PresenceViews({
      patience: this.host.commandTimeout,
      changed: (changes) => {
        if (changes.length > 0) this.host.node?.groupsChanged(changes);
      },
      ask: (node) => {
        const id = randomBytes(8).toString('hex');
        this.#publish(this.host.keys.allChannel, { kind: 'ask', from: this.#nodeId, id, what: 'all', to: [node] });
        return id;
      },
    });
    if (this.host.membership.isConnected) void this.#beginToWatch();
  }

  changed(change: GroupChange): void {
    this.#stream.changed(change);
  }

  /** Adds this node to the set of nodes. @throws RedisUnavailableError */
  async register(): Promise<void> {
    await this.host.ask('sadd', this.host.keys.nodes, this.#nodeId);
  }

  /** Called after each heartbeat. @throws RedisUnavailableError */
  async beat(): Promise<void> {
    // Redis may have lost the entry: a replica that becomes the primary may lack the last writes.
    await this.register();
    this.#stream.publishPosition();
  }

  /** Begins a new stream of changes. Called when the node has returned: messages in both directions may have been lost. */
  connected(): void {
    this.#stream.begin();
    this.missed();
  }

  /** Requests new copies, as messages of other nodes may have been lost. */
  missed(): void {
    if (!this.#views) return;
    this.#views.missed();
    void this.#beginToWatch();
  }

  /** @throws Error for a malformed message. */
  receive(bytes: Buffer): void {
    const message = decodePresence(bytes);
    if (message.from === this.#nodeId) return;
    switch (message.kind) {
      case 'ask':
        this.#answer(message);
        break;
      case 'answer':
        this.#inquiries.get(message.id)?.answered(message);
        this.#views?.answered(message);
        break;
      case 'changes':
        this.#views?.changes(message);
        break;
      case 'position':
        this.#views?.position(message);
        break;
      case 'gone':
        this.#views?.drop(message.from);
        break;
    }
  }

  /** Publishes the last changes and removes this node from the set of nodes, at shutdown. Never rejects. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isStopped = true;
    if (!this.host.membership.isConnected) return;
    this.#stream.end();
    await this.host.ask('srem', this.host.keys.nodes, this.#nodeId).catch(() => undefined);
  }

  get #nodeId(): string {
    return this.host.membership.nodeId;
  }

  async #inquire(group: string, what: 'entries' | 'count'): Promise<PresenceInquiry> {
    const inquiry = new PresenceInquiry();
    const id = randomBytes(8).toString('hex');
    const { nodeTimeout, commandTimeout } = this.host;
    const deadline = performance.now() + nodeTimeout + commandTimeout;
    this.#inquiries.set(id, inquiry);
    try {
      await this.#subscribeToAnswers();
      for (;;) {
        if (!this.host.membership.isConnected) throw new Error('Redis does not answer');
        const leases = await this.#leases([]);
        const to = [...leases.keys()].filter((node) => leases.get(node)! > 0 && !inquiry.isAnsweredBy(node));
        if (to.length === 0) return inquiry;
        if (performance.now() > deadline) throw new Error(`${to.length} nodes do not answer`);
        this.#publish(this.host.keys.allChannel, { kind: 'ask', from: this.#nodeId, id, what, group, to });
        const firstEnd = Math.min(...to.map((node) => leases.get(node)!)) + AFTER_LEASE;
        await inquiry.waitFor(to, Math.min(nodeTimeout / 10, firstEnd));
      }
    } catch (error) {
      throw new ClusterUnavailableError(`the other nodes cannot be asked for members: ${(error as Error).message}`);
    } finally {
      this.#inquiries.delete(id);
    }
  }

  #answer({ from, id, what, group = '', to }: PresenceMessageOf<'ask'>): void {
    const { node, membership, keys } = this.host;
    // Without a lease, the other nodes treat this one as dead.
    if (!node || !to.includes(this.#nodeId) || !membership.isConnected || this.#isStopped) return;
    const answer = { kind: 'answer', from: this.#nodeId, id } as const;
    const channel = keys.answersChannel(from);
    if (what === 'count') {
      this.#publish(channel, {
        ...answer,
        index: 0,
        isLast: true,
        entries: [],
        count: countEntries(node.entries(group)),
      });
      return;
    }
    const position = what === 'all' ? this.#stream.follow() : undefined;
    const entries = what === 'all' ? allOf(node) : ofGroup(node, group);
    let index = 0;
    for (const [part, isLast] of chunksOf(entries)) {
      this.#publish(channel, { ...answer, index, isLast, entries: part, ...(position && { position }) });
      index++;
    }
  }

  #publish(channel: string, message: PresenceMessage): void {
    // If this fails, the node that waits for the message sends its request again.
    this.host.ask('spublish', channel, encodePresence(message)).catch(() => undefined);
  }

  async #subscribeToAnswers(): Promise<void> {
    const subscribed = (this.#answersSubscribed ??= this.host.subscribe(this.host.keys.answersChannel(this.#nodeId)));
    await subscribed.catch((error) => {
      this.#answersSubscribed = undefined;
      throw error;
    });
  }

  /** Subscribes before it asks, so that no change is missed in between. */
  async #beginToWatch(): Promise<void> {
    try {
      await Promise.all([this.#subscribeToAnswers(), this.host.subscribe(this.host.keys.presenceChannel)]);
    } catch {
      // The connection was lost. `connected()` is called when it is back.
      return;
    }
    await this.#checkLeases();
  }

  /** Requests the members of nodes that are not followed yet, and drops dead nodes. Repeats itself. */
  async #checkLeases(): Promise<void> {
    const { nodeTimeout, membership } = this.host;
    clearTimeout(this.#timer);
    const views = this.#views!;
    let pause = nodeTimeout / 3;
    try {
      const leases = await this.#leases(views.nodes);
      for (const [node, lease] of leases) {
        if (lease > 0) {
          views.follow(node);
          pause = Math.min(pause, lease + AFTER_LEASE);
        } else if (membership.canJudge) {
          views.drop(node);
        }
      }
    } catch {
      // Redis does not answer, so no node can be found dead. The next check follows.
    }
    clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#checkLeases(), pause).unref();
  }

  /**
   * The remaining lifetimes of the leases of the other nodes, in ms; 0 for a node without a lease. Removes dead nodes from
   * the set of nodes.
   */
  async #leases(known: Iterable<string>): Promise<Map<string, number>> {
    const { keys, membership } = this.host;
    const nodes = new Set([...((await this.host.ask('smembers', keys.nodes)) as string[]), ...known]);
    nodes.delete(this.#nodeId);
    const leases = [...nodes].map(async (node) => {
      const lease = Math.max(Number(await this.host.ask('pttl', keys.node(node))), 0);
      if (lease === 0 && membership.canJudge) this.host.ask('srem', keys.nodes, node).catch(() => undefined);
      return [node, lease] as const;
    });
    return new Map(await Promise.all(leases));
  }
}

function* ofGroup(node: ClusterNode, group: string): Iterable<WireEntry> {
  for (const entry of node.entries(group)) yield toWire(group, entry);
}

function* allOf(node: ClusterNode): Iterable<WireEntry> {
  for (const [group, entry] of node.allEntries()) yield toWire(group, entry);
}
