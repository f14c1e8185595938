import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import type { ConnectionSource } from './redis-connector.js';
import type { RedisClient } from './redis-client.js';
import { RedisConnection } from './redis-connection.js';
import { RedisUnavailableError, within } from './redis-error.js';
import { Turns } from './turns.js';

/**
 * The number of channels that are subscribed to at once. The answers to more could take longer than the `commandTimeout`,
 * so that the connection would be replaced.
 */
export const SUBSCRIPTION_BATCH = 1_000;

/** The first byte of the messages by which a node checks its subscriptions. Envelopes begin with their version. */
const PROBE = 0;
const PROBE_LENGTH = 9;

export interface ShardSubscriberListener {
  message(message: Buffer): void;
  ready(): void;
  /** Called when all subscriptions on the shard are lost. */
  lost(reason: string): void;
  /** Called when Redis may have ended a subscription, as it does when a slot moves to another shard. */
  suspected(): void;
}

/** The subscriptions on one server, and the connection for them. */
export class ShardSubscriber {
  readonly #connection: RedisConnection;
  /** The channels that the present client has subscribed to; `true` if Redis has confirmed it. */
  readonly #channels = new Map<string, boolean>();
  /** The channels that wait until fewer others are subscribed to at once. */
  readonly #unsent = new Set<string>();
  readonly #turns = new Turns(SUBSCRIPTION_BATCH);
  #confirmed = 0;
  #refused = 0;
  #probeChannel: string | undefined;
  #isProbeSubscribed = false;
  #nonce: Buffer | undefined;
  #onProbe: (() => void) | undefined;

  constructor(
    private readonly source: ConnectionSource,
    private readonly listener: ShardSubscriberListener,
  ) {
    this.#connection = new RedisConnection(source, {
      created: (client) => this.#listenTo(client),
      ready: () => listener.ready(),
      lost: (reason) => {
        this.#channels.clear();
        this.#unsent.clear();
        this.#confirmed = 0;
        this.#isProbeSubscribed = false;
        listener.lost(reason);
      },
    });
  }

  get isReady(): boolean {
    return this.#connection.isReady;
  }

  get lastError(): string {
    return this.#connection.lastError;
  }

  /** Number of channels that Redis has confirmed. */
  get confirmed(): number {
    return this.#confirmed;
  }

  /** Number of channels that the present client has subscribed to or is about to, confirmed or not. */
  get size(): number {
    return this.#channels.size;
  }

  has(channel: string): boolean {
    return this.#channels.has(channel);
  }

  /** @throws RedisUnavailableError if there is no connection within `timeout` ms */
  ready(timeout: number): Promise<void> {
    return this.#connection.ready(timeout);
  }

  /** @returns Resolves when messages arrive. @throws RedisUnavailableError */
  async subscribe(channel: string): Promise<void> {
    if (!this.isReady) throw new RedisUnavailableError('there is no connection to subscribe with');
    const { client } = this.#connection;
    if (!this.#channels.get(channel)) this.#channels.set(channel, false);
    const turn = this.#turns.begin();
    try {
      if (turn) {
        this.#unsent.add(channel);
        await turn;
        if (!this.#isCurrent(client)) throw new RedisUnavailableError('the connection to subscribe with was lost');
        this.#unsent.delete(channel);
      }
      if (this.#channels.has(channel)) await this.#subscribe(channel, client);
    } finally {
      this.#turns.end();
    }
  }

  unsubscribe(channel: string): void {
    const isSent = !this.#unsent.delete(channel);
    if (!this.#forget(channel) || !isSent || !this.isReady) return;
    this.#connection.send('sunsubscribe', channel).catch(() => undefined);
  }

  /**
   * Checks the subscriptions: a message that the node sends to itself through the shard arrives, and Redis counts as many
   * subscriptions of the connection as this object. Otherwise the connection is replaced.
   * @param probeChannel A channel of this node alone, on the shard.
   * @param idleChannel Another channel on the shard, without subscribers.
   * @throws RedisUnavailableError
   */
  async probe(commands: RedisConnection, probeChannel: string, idleChannel: string): Promise<void> {
    if (!this.isReady) throw new RedisUnavailableError('there is no connection for messages');
    await this.#subscribeToProbes(probeChannel);
    await Promise.all([this.#probeDelivery(commands, probeChannel), this.#probeCount(idleChannel)]);
  }

  /** Connects again, unless it is connecting already. */
  replace(reason: string): void {
    if (this.isReady) this.#connection.replace(reason);
  }

  close(): void {
    this.#connection.close();
  }

  #isCurrent(client: RedisClient): boolean {
    return this.isReady && this.#connection.client === client;
  }

  async #subscribe(channel: string, client: RedisClient): Promise<void> {
    try {
      await this.#connection.ask('ssubscribe', channel);
    } catch (error) {
      if (this.#isCurrent(client)) {
        this.#refused++;
        this.#forget(channel);
      }
      throw error;
    }
    if (!this.#isCurrent(client) || this.#channels.get(channel) !== false) return;
    this.#channels.set(channel, true);
    this.#confirmed++;
  }

  #forget(channel: string): boolean {
    if (this.#channels.get(channel)) this.#confirmed--;
    return this.#channels.delete(channel);
  }

  async #subscribeToProbes(channel: string): Promise<void> {
    if (this.#isProbeSubscribed && channel === this.#probeChannel) return;
    if (this.#isProbeSubscribed) this.#connection.send('sunsubscribe', this.#probeChannel!).catch(() => undefined);
    this.#probeChannel = channel;
    await this.#connection.ask('ssubscribe', channel);
    this.#isProbeSubscribed = true;
  }

  async #probeDelivery(commands: RedisConnection, channel: string): Promise<void> {
    const nonce = randomBytes(PROBE_LENGTH);
    nonce[0] = PROBE;
    const received = new Promise<void>((resolve) => {
      this.#nonce = nonce;
      this.#onProbe = resolve;
    });
    const { client } = this.#connection;
    await commands.ask('spublish', channel, nonce);
    try {
      await within(this.source.commandTimeout, received, 'its own message');
    } catch (error) {
      this.#connection.replace('no message arrives', client);
      throw error;
    }
  }

  async #probeCount(idleChannel: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { client } = this.#connection;
      const refused = this.#refused;
      const expected = this.#channels.size - this.#unsent.size + 1;
      const count = Number(await this.#connection.ask('sunsubscribe', idleChannel));
      // Redis answers in order, so the count includes all subscriptions sent before. Their promises settle first.
      await setImmediate();
      if (count === expected - (this.#refused - refused)) return;
      if (attempt === 1) continue;
      const reason = `Redis has ${count} subscriptions of ${expected}`;
      this.#connection.replace(reason, client);
      throw new RedisUnavailableError(reason);
    }
  }

  #listenTo(client: RedisClient): void {
    client.on('smessageBuffer', (_channel: Buffer, message: Buffer) => {
      if (message[0] !== PROBE || message.length !== PROBE_LENGTH) this.listener.message(message);
      else if (this.#nonce?.equals(message)) this.#onProbe?.();
    });
    // When Redis ends a subscription by itself, ioredis 6 emits the first event, and ioredis 5 the second.
    client.on('moved', () => this.listener.suspected());
    client.on('error', (error: Error) => {
      if (error.message.startsWith('Command queue state error')) this.listener.suspected();
    });
  }
}
