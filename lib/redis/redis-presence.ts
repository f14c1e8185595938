import { randomBytes } from 'node:crypto';
import { countEntries, type GroupChange, type GroupCount, type GroupEntry } from '../server/group-member.js';
import { ClusterUnavailableError, type ClusterNode, type ClusterPresence } from '../server/ports/cluster.js';
import type { Keys } from './keys.js';
import { PresenceInquiry } from './presence-inquiry.js';
import {
  changeToWire,
  chunksOf,
  decodePresence,
  encodePresence,
  toWire,
  type PresenceMessage,
  type PresenceMessageOf,
  type StreamPosition,
  type WireEntry,
} from './presence-messages.js';
import { PresenceViews } from './presence-views.js';
import type { RedisArgument } from './redis-client.js';

/** Requirements of the presence of a node. */
export interface PresenceHost {
  readonly keys: Keys;
  readonly nodeTimeout: number;
  readonly commandTimeout: number;
  readonly membership: { readonly nodeId: string; readonly isConnected: boolean; readonly canJudge: boolean };
  /** The application; there is none before the start. */
  readonly node: ClusterNode | undefined;
  /** Asks Redis. Rejects if there is no answer in time. */
  ask(command: string, ...args: RedisArgument[]): Promise<unknown>;
  /** Subscribes to a channel for good. Rejects if there is no connection; it is subscribed to later then. */
  subscribe(channel: string): Promise<void>;
}

/** How long after the end of a lease it is looked at again, in ms. */
const AFTER_LEASE = 10;

/**
 * The members of groups on all nodes. Each node alone decides on its own connections, and Redis keeps only the set of nodes:
 *
 * - `entries()` and `count()` ask all nodes that have a lease, so a join costs nothing until somebody asks.
 * - A node that watches keeps a copy of what each other node has. It asks once for all of it and then follows the changes,
 *   which nodes publish as long as there is a subscriber. Changes are numbered: a gap, or a number that a node repeats
 *   regularly, shows that some were lost, and the copy is replaced.
 * - A node whose lease is gone has no members. A node that comes back begins a new stream of changes.
 */
export class RedisPresence implements ClusterPresence {
  readonly #inquiries = new Map<string, PresenceInquiry>();
  #views: PresenceViews | undefined;
  #answersSubscribed: Promise<void> | undefined;
  #stream = '';
  #seq = 0;
  #changes: GroupChange[] = [];
  #isPublishing = false;
  /** Whether some node may be following the changes, and how often a node has asked to. */
  #isFollowed = false;
  #followers = 0;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(private readonly host: PresenceHost) {}

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
    if (!this.#isFollowed) return;
    this.#changes.push(change);
    if (this.#isPublishing) return;
    this.#isPublishing = true;
    setImmediate(() => this.#publishChanges());
  }

  /** Adds this node to the set of nodes. @throws RedisUnavailableError */
  async register(): Promise<void> {
    await this.host.ask('sadd', this.host.keys.nodes, this.#nodeId);
  }

  /** A heartbeat went well. @throws RedisUnavailableError */
  async beat(): Promise<void> {
    // Redis may have forgotten it, as a replica that has become the master does.
    await this.register();
    if (this.#isFollowed) this.#publishPosition();
  }

  /** The node has come back, or changes of other nodes may have been lost: what it publishes is a new stream. */
  connected(): void {
    this.#stream = randomBytes(8).toString('hex');
    this.#seq = 0;
    this.#changes = [];
    this.#isFollowed = true;
    this.#publishPosition();
    this.missed();
  }

  /** Messages of other nodes may have been lost. */
  missed(): void {
    if (!this.#views) return;
    this.#views.missed();
    void this.#beginToWatch();
  }

  /** @throws Error for a message that no node has sent. */
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

  /** The node is shut down: publishes the last changes, and leaves the set of nodes. Never rejects. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isStopped = true;
    if (!this.host.membership.isConnected) return;
    this.#publishChanges();
    if (this.#isFollowed) this.#publish(this.host.keys.presenceChannel, { kind: 'gone', from: this.#nodeId });
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
    // The others take a node without a lease for dead.
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
    let position: StreamPosition | undefined;
    if (what === 'all') {
      this.#isFollowed = true;
      this.#followers++;
      // The answer contains the changes that were not published yet.
      this.#publishChanges();
      position = this.#position;
    }
    const entries = what === 'all' ? allOf(node) : ofGroup(node, group);
    let index = 0;
    for (const [part, isLast] of chunksOf(entries)) {
      this.#publish(channel, { ...answer, index, isLast, entries: part, ...(position && { position }) });
      index++;
    }
  }

  get #position(): StreamPosition {
    return { stream: this.#stream, seq: this.#seq };
  }

  #publishChanges(): void {
    this.#isPublishing = false;
    const changes = this.#changes.map(changeToWire);
    this.#changes = [];
    if (changes.length === 0 || !this.host.membership.isConnected) return;
    for (const [part] of chunksOf(changes)) {
      this.#seq++;
      this.#publishToFollowers({ kind: 'changes', from: this.#nodeId, position: this.#position, changes: part });
    }
  }

  #publishPosition(): void {
    this.#publishToFollowers({ kind: 'position', from: this.#nodeId, position: this.#position });
  }

  #publishToFollowers(message: PresenceMessage): void {
    // The next position shows that it is missing.
    this.#countFollowers(encodePresence(message)).catch(() => undefined);
  }

  async #countFollowers(message: Buffer): Promise<void> {
    const followers = this.#followers;
    const receivers = await this.host.ask('spublish', this.host.keys.presenceChannel, message);
    if (receivers === 0 && followers === this.#followers) this.#isFollowed = false;
  }

  #publish(channel: string, message: PresenceMessage): void {
    // It is asked for again when there is no answer.
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
      // The connection was lost: `connected()` is called again.
      return;
    }
    await this.#look();
  }

  /** Asks the nodes that are not followed yet, and drops those that are dead. */
  async #look(): Promise<void> {
    const { nodeTimeout, membership } = this.host;
    clearTimeout(this.#timer);
    const views = this.#views!;
    let pause = nodeTimeout / 3;
    try {
      const leases = await this.#leases(views.nodes);
      const canJudge = membership.canJudge;
      for (const [node, lease] of leases) {
        if (lease > 0) {
          views.follow(node);
          pause = Math.min(pause, lease + AFTER_LEASE);
        } else if (canJudge) {
          views.drop(node);
          this.host.ask('srem', this.host.keys.nodes, node).catch(() => undefined);
        }
      }
    } catch {
      // Redis is away: nobody can be judged.
    }
    clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#look(), pause).unref();
  }

  /** How long the leases of the other nodes last, in ms; 0 for a node without one. */
  async #leases(known: Iterable<string>): Promise<Map<string, number>> {
    const { keys } = this.host;
    const nodes = new Set([...((await this.host.ask('smembers', keys.nodes)) as string[]), ...known]);
    nodes.delete(this.#nodeId);
    const leases = [...nodes].map(async (node) => {
      const lease = Number(await this.host.ask('pttl', keys.node(node)));
      return [node, Math.max(lease, 0)] as const;
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
