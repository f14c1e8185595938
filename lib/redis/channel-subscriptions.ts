import type { ConnectionSource } from './redis-connector.js';
import type { Keys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { RedisUnavailableError } from './redis-error.js';
import { ShardSubscriber, SUBSCRIPTION_BATCH, type ShardSubscriberListener } from './shard-subscriber.js';
import { channelOn, isSameMap, readShardMap, shardClientFactory, slotOf, type ShardMap } from './shards.js';

/** Renews the lease of the node, if that is due. @throws RedisUnavailableError if it ran out */
type Renew = () => Promise<void>;

/** Notifications of the subscriptions of a node. */
export interface SubscriptionsListener extends ShardSubscriberListener {
  /** Called for channels that were subscribed to again while the node was connected: messages may have been missed. */
  resubscribed(channels: readonly string[]): void;
}

interface Subscription {
  readonly slot: number;
  /** The id of the shard that it was last subscribed on. */
  shard: string | undefined;
  /** The result of the last attempt to subscribe. */
  result: Promise<void>;
}

/**
 * The channels that a node subscribes to: only those that its connections need. Each subscription is on the server that
 * has the channel. When the channel moves, the subscription moves, too.
 */
export class ChannelSubscriptions {
  readonly #channels = new Map<string, Subscription>();
  readonly #shards = new Map<string, ShardSubscriber>();
  /** The attempts to subscribe that have not settled. */
  readonly #pending = new Set<Promise<void>>();
  #map: ShardMap | undefined;
  #locating: Promise<void> | undefined;

  constructor(
    private readonly nodeId: string,
    private readonly keys: Keys,
    private readonly commands: RedisConnection,
    /** Settings of the connection for messages to a single Redis. */
    private readonly source: ConnectionSource,
    private readonly listener: SubscriptionsListener,
  ) {}

  /** Number of channels that this node subscribes to. */
  get size(): number {
    return this.#channels.size;
  }

  /** True if this node has subscribed, or is subscribing, to all channels. */
  get isComplete(): boolean {
    return this.#subscribed === this.#channels.size;
  }

  /** Number of channels that Redis has confirmed. */
  get confirmed(): number {
    let confirmed = 0;
    for (const shard of this.#shards.values()) confirmed += shard.confirmed;
    return confirmed;
  }

  get isReady(): boolean {
    return this.#shards.size > 0 && [...this.#shards.values()].every(({ isReady }) => isReady);
  }

  /** The last error of a connection. */
  get lastError(): string {
    return [...this.#shards.values()].find(({ isReady }) => !isReady)?.lastError ?? 'no answer';
  }

  /**
   * Connects to all servers.
   * @throws RedisUnavailableError if it takes longer than `timeout` ms
   */
  async open(timeout: number): Promise<void> {
    await this.#locate();
    await Promise.all([...this.#shards.values()].map((shard) => shard.ready(timeout)));
  }

  /**
   * Subscribes to a channel for as long as it is not removed.
   * @returns Resolves when messages arrive. It rejects when there is no connection; the channel is subscribed to later.
   */
  add(channel: string): Promise<void> {
    const before = this.#channels.get(channel);
    if (before) return before.result;
    const subscription: Subscription = { slot: slotOf(channel), shard: undefined, result: Promise.resolve() };
    this.#channels.set(channel, subscription);
    return this.#subscribe(channel, subscription);
  }

  remove(channel: string): void {
    const subscription = this.#channels.get(channel);
    if (!subscription) return;
    this.#channels.delete(channel);
    this.#shardOf(subscription.shard)?.unsubscribe(channel);
  }

  /** Subscribes to all channels that are not subscribed to. @throws RedisUnavailableError */
  async renew(renew: Renew): Promise<void> {
    await this.#locate();
    await this.#subscribeMissing(renew);
  }

  /**
   * Checks that each server delivers messages of all channels, and subscribes again where channels have moved.
   * @throws RedisUnavailableError
   */
  async probe(renew: Renew): Promise<void> {
    await this.#locate();
    const missing = await this.#subscribeMissing(renew);
    if (missing.length > 0) this.listener.resubscribed(missing);
    const { commands, keys, nodeId } = this;
    const probeChannel = (tag: string) => keys.probeChannel(nodeId, tag);
    const idleChannel = (tag: string) => keys.idleChannel(tag);
    const probing = [...this.#shards].map(async ([id, subscriber]) => {
      const shard = this.#map!.shards.get(id)!;
      const [probe, idle] = [channelOn(shard, this.#map!, probeChannel), channelOn(shard, this.#map!, idleChannel)];
      if (probe !== undefined && idle !== undefined) await subscriber.probe(commands, probe, idle);
    });
    await Promise.all(probing);
  }

  /** Resolves when all attempts to subscribe that were made so far have succeeded or failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pending);
  }

  /** Connects to all servers again, for example because Redis has moved to another server. */
  replaceConnections(reason: string): void {
    for (const shard of this.#shards.values()) shard.replace(reason);
  }

  close(): void {
    for (const shard of this.#shards.values()) shard.close();
  }

  get #subscribed(): number {
    let subscribed = 0;
    for (const shard of this.#shards.values()) subscribed += shard.size;
    return subscribed;
  }

  /** Reads the map of servers and channels, once for concurrent callers. @throws RedisUnavailableError */
  #locate(): Promise<void> {
    this.#locating ??= this.#readMap().finally(() => (this.#locating = undefined));
    return this.#locating;
  }

  async #readMap(): Promise<void> {
    const { commands, source } = this;
    const map = await readShardMap(commands);
    const isChanged = !this.#map || !isSameMap(this.#map, map);
    this.#map = map;
    if (!isChanged) return;
    for (const shard of map.shards.values()) {
      if (this.#shards.has(shard.id)) continue;
      const createClient = shardClientFactory(shard, commands, source.createClient);
      this.#shards.set(shard.id, new ShardSubscriber({ ...source, createClient }, this.listener));
    }
    for (const [channel, subscription] of this.#channels) {
      if (subscription.shard === undefined || subscription.shard === map.shardOf(subscription.slot)) continue;
      this.#shardOf(subscription.shard)?.unsubscribe(channel);
      subscription.shard = undefined;
    }
    for (const [id, shard] of this.#shards) {
      if (map.shards.has(id)) continue;
      this.#shards.delete(id);
      shard.close();
    }
  }

  /** @returns The channels that it has subscribed to. */
  async #subscribeMissing(renew: Renew): Promise<string[]> {
    const { commandTimeout } = this.source;
    await Promise.all([...this.#shards.values()].map((shard) => shard.ready(commandTimeout)));
    if (this.isComplete) return [];
    const missing = [...this.#channels].filter(
      ([channel, { shard }]) => !(shard !== undefined && this.#shardOf(shard)?.has(channel)),
    );
    for (let first = 0; first < missing.length; first += SUBSCRIPTION_BATCH) {
      const batch = missing
        .slice(first, first + SUBSCRIPTION_BATCH)
        .filter(([channel, it]) => this.#channels.get(channel) === it);
      await Promise.all(batch.map(([channel, subscription]) => this.#subscribe(channel, subscription)));
      await renew();
    }
    return missing.map(([channel]) => channel);
  }

  #subscribe(channel: string, subscription: Subscription): Promise<void> {
    const result = this.#subscribeOnShard(channel, subscription);
    subscription.result = result;
    this.#pending.add(result);
    const settled = () => void this.#pending.delete(result);
    // Prevents an unhandled rejection, as not every caller waits for it. The next check subscribes again.
    result.then(settled, settled);
    return result;
  }

  async #subscribeOnShard(channel: string, subscription: Subscription): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      subscription.shard = this.#map?.shardOf(subscription.slot);
      const shard = this.#shardOf(subscription.shard);
      if (!shard) throw new RedisUnavailableError('no server has the channel');
      try {
        await shard.subscribe(channel);
        return;
      } catch (error) {
        if (attempt > 1 || !/^(?:MOVED|ASK) /.test((error as Error).message)) throw error;
      }
      await this.#locate();
      await this.#shardOf(this.#map?.shardOf(subscription.slot))?.ready(this.source.commandTimeout);
      if (this.#channels.get(channel) !== subscription) return;
    }
  }

  #shardOf(id: string | undefined): ShardSubscriber | undefined {
    return id === undefined ? undefined : this.#shards.get(id);
  }
}
