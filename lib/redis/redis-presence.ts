import { randomBytes } from 'node:crypto';
import { countEntries, type GroupChange, type GroupCount, type GroupEntry } from '../server/group-member.js';
import { ClusterUnavailableError, type ClusterNode, type ClusterPresence } from '../server/ports/cluster.js';
import type { ChannelSubscriptions } from './channel-subscriptions.js';
import type { Keys } from './keys.js';
import type { Membership } from './membership.js';
import { NodeSet } from './node-set.js';
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
import { PresenceStream } from './presence-stream.js';
import { PresenceViews } from './presence-views.js';
import type { RedisConnection } from './redis-connection.js';

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
  readonly #nodes: NodeSet;
  readonly #inquiries = new Map<string, PresenceInquiry>();
  #views: PresenceViews | undefined;
  #answersSubscribed: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(
    private readonly commands: RedisConnection,
    private readonly keys: Keys,
    private readonly membership: Membership,
    private readonly subscriptions: ChannelSubscriptions,
    private readonly timeouts: { readonly nodeTimeout: number; readonly commandTimeout: number },
    /** The application: `undefined` before its start. */
    private readonly node: () => ClusterNode | undefined,
  ) {
    this.#stream = new PresenceStream(commands, keys, membership);
    this.#nodes = new NodeSet(commands, keys, membership);
  }

  async entries(group: string): Promise<readonly GroupEntry[]> {
    return (await this.#inquire(group, 'entries')).entries;
  }

  async count(group: string): Promise<readonly GroupCount[]> {
    return (await this.#inquire(group, 'count')).counts;
  }

  watch(): void {
    this.#views ??= new PresenceViews(
      this.timeouts.commandTimeout,
      (node) => {
        const id = randomBytes(8).toString('hex');
        this.#publish(this.keys.allChannel, { kind: 'ask', from: this.#nodeId, id, what: 'all', to: [node] });
        return id;
      },
      (changes) => {
        if (changes.length > 0) this.node()?.groupsChanged(changes);
      },
    );
    if (this.membership.isConnected) void this.#beginToWatch();
  }

  changed(change: GroupChange): void {
    this.#stream.changed(change);
  }

  /** Adds this node to the set of nodes. @throws RedisUnavailableError */
  async register(): Promise<void> {
    await this.#nodes.add();
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
    if (!this.membership.isConnected) return;
    this.#stream.end();
    await this.#nodes.remove().catch(() => undefined);
  }

  get #nodeId(): string {
    return this.membership.nodeId;
  }

  async #inquire(group: string, what: 'entries' | 'count'): Promise<PresenceInquiry> {
    const inquiry = new PresenceInquiry();
    const id = randomBytes(8).toString('hex');
    const { nodeTimeout, commandTimeout } = this.timeouts;
    const deadline = performance.now() + nodeTimeout + commandTimeout;
    this.#inquiries.set(id, inquiry);
    try {
      await this.#subscribeToAnswers();
      for (;;) {
        if (!this.membership.isConnected) throw new Error('Redis does not answer');
        const leases = await this.#nodes.leases([]);
        const to = [...leases.keys()].filter((node) => leases.get(node)! > 0 && !inquiry.isAnsweredBy(node));
        if (to.length === 0) return inquiry;
        if (performance.now() > deadline) throw new Error(`${to.length} nodes do not answer`);
        this.#publish(this.keys.allChannel, { kind: 'ask', from: this.#nodeId, id, what, group, to });
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
    const node = this.node();
    // Without a lease, the other nodes treat this one as dead.
    if (!node || !to.includes(this.#nodeId) || !this.membership.isConnected || this.#isStopped) return;
    const answer = { kind: 'answer', from: this.#nodeId, id } as const;
    const channel = this.keys.answersChannel(from);
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
    this.commands.ask('spublish', channel, encodePresence(message)).catch(() => undefined);
  }

  async #subscribeToAnswers(): Promise<void> {
    const subscribed = (this.#answersSubscribed ??= this.subscriptions.add(this.keys.answersChannel(this.#nodeId)));
    await subscribed.catch((error) => {
      this.#answersSubscribed = undefined;
      throw error;
    });
  }

  /** Subscribes before it asks, so that no change is missed in between. */
  async #beginToWatch(): Promise<void> {
    try {
      await Promise.all([this.#subscribeToAnswers(), this.subscriptions.add(this.keys.presenceChannel)]);
    } catch {
      // The connection was lost. `connected()` is called when it is back.
      return;
    }
    await this.#checkLeases();
  }

  /** Requests the members of nodes that are not followed yet, and drops dead nodes. Repeats itself. */
  async #checkLeases(): Promise<void> {
    const { nodeTimeout } = this.timeouts;
    clearTimeout(this.#timer);
    const views = this.#views!;
    let pause = nodeTimeout / 3;
    try {
      const leases = await this.#nodes.leases(views.nodes);
      for (const [node, lease] of leases) {
        if (lease > 0) {
          views.follow(node);
          pause = Math.min(pause, lease + AFTER_LEASE);
        } else if (this.membership.canJudge) {
          views.drop(node);
        }
      }
    } catch {
      // Redis does not answer, so no node can be found dead. The next check follows.
    }
    clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#checkLeases(), pause).unref();
  }
}

function* ofGroup(node: ClusterNode, group: string): Iterable<WireEntry> {
  for (const entry of node.entries(group)) yield toWire(group, entry);
}

function* allOf(node: ClusterNode): Iterable<WireEntry> {
  for (const [group, entry] of node.allEntries()) yield toWire(group, entry);
}
