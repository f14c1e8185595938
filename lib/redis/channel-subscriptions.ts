import { isClusterClient } from './redis-client.js';
import { RedisUnavailableError, type RedisCommands } from './redis-commands.js';

/** How many channels are subscribed to at once when there are many. */
const BATCH = 500;

/** The channels that a node listens to: only those that somebody is interested in. */
export class ChannelSubscriptions {
  /** Each with the promise of the last time that it was subscribed to. */
  readonly #channels = new Map<string, Promise<void>>();

  constructor(
    private readonly subscriber: RedisCommands,
    /** A channel that nobody publishes to. */
    private readonly idleChannel: string,
  ) {}

  get size(): number {
    return this.#channels.size;
  }

  /**
   * Listens to a channel from now on, also when the connection was lost meanwhile.
   * @returns Resolves when what is published arrives, if it does.
   */
  add(channel: string): Promise<void> {
    const before = this.#channels.get(channel);
    if (before) return before;
    const subscribed = this.subscriber.isReady
      ? this.#subscribe(channel)
      : Promise.reject(new RedisUnavailableError('there is no connection to subscribe with'));
    // Not everybody waits for it; whoever comes back subscribes again.
    subscribed.catch(() => undefined);
    this.#channels.set(channel, subscribed);
    return subscribed;
  }

  remove(channel: string): void {
    if (!this.#channels.delete(channel) || !this.subscriber.isReady) return;
    this.subscriber.ask('sunsubscribe', channel).catch(() => undefined);
  }

  /** Subscribes to everything again. @throws RedisUnavailableError */
  async renew(): Promise<void> {
    const channels = [...this.#channels.keys()];
    while (channels.length > 0) {
      const batch = channels.splice(0, BATCH).filter((channel) => this.#channels.has(channel));
      const subscribing = batch.map((channel) => {
        const subscribed = this.#subscribe(channel);
        subscribed.catch(() => undefined);
        this.#channels.set(channel, subscribed);
        return subscribed;
      });
      await Promise.all(subscribing);
    }
  }

  /** Checks that the connection is alive both ways. @throws RedisUnavailableError */
  async probe(): Promise<void> {
    await this.subscriber.ask('sunsubscribe', this.idleChannel);
  }

  /** Resolves when what was added by now is subscribed to, or has failed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#channels.values());
  }

  async #subscribe(channel: string): Promise<void> {
    // A client for clusters remembers channels as often as they are subscribed to.
    if (isClusterClient(this.subscriber.client)) {
      await this.subscriber.ask('sunsubscribe', channel);
      // Nobody may be interested any more.
      if (!this.#channels.has(channel)) return;
    }
    await this.subscriber.ask('ssubscribe', channel);
  }
}
