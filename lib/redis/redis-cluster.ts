import { randomBytes } from 'node:crypto';
import type { Cluster, ClusterNode, ClusterPresence, ClusterTarget } from '../server/ports/cluster.js';
import { DiagnosticsEmitter } from '../common/diagnostics-emitter.js';
import type { SessionMembership } from '../session/session-membership.js';
import { decodeEnvelope, encodeEnvelope, type Envelope } from './envelope.js';
import { Keys } from './keys.js';
import { Membership } from './membership.js';
import { Publisher } from './publisher.js';
import { resolveRedisClusterOptions, type RedisClusterOptions } from './redis-cluster-options.js';
import { RedisConnections } from './redis-connections.js';
import { addressOf } from './redis-options.js';
import { RedisPlaces } from './redis-places.js';
import { isPresenceMessage } from './presence-messages.js';
import { RedisPresence } from './redis-presence.js';
import type { ChannelSubscriptions } from './channel-subscriptions.js';

/**
 * What a `RedisCluster` tells: `cluster.on('disconnected', ({ reason }) => …)`. The same objects, with `cluster` added, are
 * published on `node:diagnostics_channel`, as `nestjs-webwire:cluster:disconnected` and so on.
 */
export interface RedisClusterEvents {
  /** Redis is there, for the first time or again, and knows of this many places of this node in sessions. */
  connected: [event: { nodeId: string; places: number }];
  /** Redis is away, or answers no more. */
  disconnected: [event: { nodeId: string; reason: string }];
  /** A signal for other nodes was dropped, or lost with the connection: so many by now. */
  drop: [event: { nodeId: string; dropped: number }];
}

/** The state of a node. */
export interface RedisClusterHealth {
  /** Whether the other nodes can be reached. */
  readonly isHealthy: boolean;
  readonly status: 'starting' | 'connected' | 'disconnected' | 'stopped';
  /** When it got this status. */
  readonly since: Date;
  readonly nodeId: string;
  /** How many places in sessions the connections of this node have. */
  readonly places: number;
  /** How many channels it subscribes to. */
  readonly channels: number;
  /** How many signals wait for Redis. */
  readonly waitingSignals: number;
  /** How many signals were dropped, or lost with the connection. */
  readonly droppedSignals: number;
  /** While the node comes back: how many of its channels and places Redis has again. */
  readonly returning?: { readonly channels: number; readonly places: number };
}

/** Malformed messages are logged this often at most, in ms. */
const WARNING_INTERVAL = 10_000;

/** The progress of a node that comes back is logged this often, in ms. */
const PROGRESS_INTERVAL = 5_000;

/**
 * Makes an application one of several nodes, through Redis 7 or later: the option `cluster` of `WebwireModule`. Each
 * application needs one of its own.
 *
 * @example WebwireModule.forRoot({ cluster: new RedisCluster({ url: 'redis://localhost:6379' }) })
 */
export class RedisCluster extends DiagnosticsEmitter<RedisClusterEvents> implements Cluster {
  /** For `WebwireModule`. */
  readonly places: SessionMembership;
  /** For `WebwireModule`. */
  readonly presence: ClusterPresence;
  readonly #options: ReturnType<typeof resolveRedisClusterOptions>;
  readonly #keys: Keys;
  readonly #connections: RedisConnections;
  readonly #membership: Membership;
  readonly #publisher: Publisher;
  readonly #places: RedisPlaces;
  readonly #presence: RedisPresence;
  #node: ClusterNode | undefined;
  #status: RedisClusterHealth['status'] = 'starting';
  #since = new Date();
  /** Whether other nodes may not have registered all that they have since Redis lost its data. */
  #isSettling = false;
  #malformed = 0;
  #warnedAt = -Infinity;

  /** @throws InvalidOptionError for an option that cannot be used. */
  constructor(options: RedisClusterOptions) {
    super({ owner: 'cluster', channels: 'nestjs-webwire:cluster', logger: () => this.#node?.logger });
    this.#options = resolveRedisClusterOptions(options);
    const address = addressOf(this.#options);
    this.#keys = new Keys(address.keyPrefix + this.#options.prefix);
    const nodeId = randomBytes(16).toString('hex');
    this.#connections = new RedisConnections(address, this.#keys, nodeId, {
      message: (message) => this.#receive(message),
      interrupted: (reason) => this.#membership.fail(reason),
      commandsLost: () => this.#publisher.connectionLost(),
      ready: () => this.#membership.hurry(),
      suspected: () => this.#membership.hurry(),
      resubscribed: (channels) => this.#resubscribed(channels),
    });
    this.#membership = new Membership(nodeId, this.#membershipHost());
    this.#publisher = new Publisher(
      (channel, envelope) => this.#connections.commands.send('spublish', channel, envelope),
      this.#options.maxWaitingSignals,
      () => this.#membership.isConnected,
      () => this.emitEvent('drop', () => ({ nodeId: this.nodeId, dropped: this.#publisher.dropped })),
      (error) => this.#notPublished(error),
    );
    this.#places = new RedisPlaces(this.#placesHost());
    this.places = this.#places;
    this.#presence = new RedisPresence(this.#presenceHost());
    this.presence = this.#presence;
  }

  /** Identifies this node in logs and events: another one for each start. */
  get nodeId(): string {
    return this.#membership.nodeId;
  }

  /** How this node is, for health checks. */
  health(): RedisClusterHealth {
    return {
      isHealthy: this.#status === 'connected' && this.#membership.isConnected && this.#subscriptions.isComplete,
      status: this.#status,
      since: this.#since,
      nodeId: this.nodeId,
      places: this.#places.size,
      channels: this.#subscriptions.size,
      waitingSignals: this.#publisher.size,
      droppedSignals: this.#publisher.dropped,
      ...(this.#membership.isJoining && { returning: this.#progress }),
    };
  }

  /**
   * For `WebwireModule`, when the application starts.
   * @throws RedisUnavailableError if Redis cannot be reached within the `nodeTimeout`, or is older than version 7.
   */
  async start(node: ClusterNode): Promise<void> {
    if (this.#node) throw new Error('a RedisCluster is for one application only: make another one');
    this.#node = node;
    try {
      await this.#connections.open(this.#options.nodeTimeout);
      this.#subscriptions.add(this.#keys.allChannel).catch(() => undefined);
      await this.#membership.start();
    } catch (error) {
      this.#connections.close();
      throw error;
    }
  }

  /** For `WebwireModule`, when the application is shut down. */
  async stop(): Promise<void> {
    // An application that did not come to its start is closed, too.
    if (this.#status === 'starting') {
      this.#connections.close();
      return;
    }
    await this.#presence.stop();
    if (this.#membership.isConnected) await this.#publisher.idle(this.#options.commandTimeout);
    await this.#membership.stop();
    this.#become('stopped');
    this.#connections.close();
  }

  /** For `WebwireService`. */
  publish(target: ClusterTarget, message: Uint8Array, except: readonly string[]): void {
    if (this.#status === 'stopped') return;
    const envelope = encodeEnvelope({ origin: this.nodeId, target, except, message });
    this.#publisher.publish(this.#keys.channelOf(target), envelope);
  }

  /** For `WebwireService`. */
  join(group: string): void {
    const subscribing = this.#subscriptions.add(this.#keys.groupChannel(group));
    subscribing.catch((error: Error) => this.#membership.fail(error.message));
  }

  /** For `WebwireService`. */
  leave(group: string): void {
    this.#subscriptions.remove(this.#keys.groupChannel(group));
  }

  /** For `WebwireService`. */
  async synchronized(): Promise<void> {
    await this.#subscriptions.settled();
  }

  #membershipHost(): ConstructorParameters<typeof Membership>[1] {
    const { nodeTimeout } = this.#options;
    return {
      commands: this.#connections.commands,
      keys: this.#keys,
      nodeTimeout,
      probeSubscriptions: (renew) => this.#subscriptions.probe(renew),
      resynchronize: async (renew) => {
        let reportedAt = performance.now();
        const step = async () => {
          if (performance.now() - reportedAt > PROGRESS_INTERVAL) {
            reportedAt = performance.now();
            this.#reportProgress();
          }
          await renew();
        };
        await this.#subscriptions.renew(step);
        await this.#places.resynchronize(step);
        // A shard that is away must not keep the node from coming back: the next heartbeat registers it.
        await this.#presence.register().catch(() => undefined);
      },
      beat: async () => {
        await Promise.all([this.#places.confirmOldest(), this.#presence.beat().catch(() => undefined)]);
        if (!this.#isSettling || this.#membership.isSettling) return;
        this.#isSettling = false;
        this.#node!.connected();
      },
      connected: () => this.#connected(),
      disconnected: (reason) => this.#disconnected(reason),
    };
  }

  #placesHost(): ConstructorParameters<typeof RedisPlaces>[0] {
    return {
      commands: this.#connections.commands,
      keys: this.#keys,
      membership: this.#membership,
      subscriptions: this.#subscriptions,
      sessionClosed: (session) => this.#node?.sessionClosed(session),
    };
  }

  get #progress(): { channels: number; places: number } {
    return { channels: this.#subscriptions.confirmed, places: this.#places.registered };
  }

  #reportProgress(): void {
    const { channels, places } = this.#progress;
    this.#node!.logger.log(
      `This node is coming back: Redis has ${channels} of its ${this.#subscriptions.size} channels ` +
        `and ${places} of its ${this.#places.size} places in sessions`,
    );
  }

  #presenceHost(): ConstructorParameters<typeof RedisPresence>[0] {
    const { nodeTimeout, commandTimeout } = this.#options;
    const application = () => this.#node;
    return {
      keys: this.#keys,
      nodeTimeout,
      commandTimeout,
      membership: this.#membership,
      get node() {
        return application();
      },
      ask: async (command, ...args) => this.#connections.commands.ask(command, ...args),
      subscribe: async (channel) => this.#subscriptions.add(channel),
    };
  }

  #connected(): void {
    const { logger } = this.#node!;
    const places = this.#places.size;
    if (this.#status === 'starting') logger.log(`This is node ${this.nodeId} of a cluster`);
    else logger.log(`Redis is back: the other nodes can be reached again, and know ${places} places in sessions`);
    this.#isSettling = this.#membership.isSettling;
    if (this.#isSettling) {
      logger.warn(
        `Redis has lost its data: for ${this.#options.nodeTimeout} ms, until all nodes have told what they have, sessions ` +
          'with a limit cannot be restored',
      );
    }
    this.#become('connected');
    this.emitEvent('connected', () => ({ nodeId: this.nodeId, places }));
    this.#publisher.flush();
    this.#presence.connected();
    this.#node!.connected();
  }

  #disconnected(reason: string): void {
    this.#node!.logger.warn(
      `Redis is away (${reason}). This node serves its own clients; until it is back, sessions with a limit cannot be ` +
        'restored, and signals for other nodes wait',
    );
    this.#become('disconnected');
    this.emitEvent('disconnected', () => ({ nodeId: this.nodeId, reason }));
  }

  /** A signal that could not be sent shows that the connection is closing, before its event does: the rest waits. */
  #notPublished(error: Error): void {
    const { commands } = this.#connections;
    // Redis itself may have refused the signal. Of a Redis Cluster, a single shard may be away.
    if (error.name !== 'ReplyError' && !commands.isClustered) commands.replace(error.message);
  }

  /** Redis has moved channels to other servers. Messages were lost meanwhile, and sessions may have been closed. */
  #resubscribed(channels: readonly string[]): void {
    if (channels.includes(this.#keys.presenceChannel)) this.#presence.missed();
    const sessions = channels.flatMap((channel) => this.#keys.sessionOf(channel) ?? []);
    this.#places.confirmAll(sessions).catch((error: Error) => this.#membership.fail(error.message));
  }

  get #subscriptions(): ChannelSubscriptions {
    return this.#connections.subscriptions;
  }

  #become(status: RedisClusterHealth['status']): void {
    this.#status = status;
    this.#since = new Date();
  }

  #receive(bytes: Buffer): void {
    let envelope: Envelope;
    try {
      if (isPresenceMessage(bytes)) {
        this.#presence.receive(bytes);
        return;
      }
      envelope = decodeEnvelope(bytes);
    } catch (error) {
      this.#ignore((error as Error).message);
      return;
    }
    // The connections of this node have it already.
    if (envelope.origin === this.nodeId) return;
    if ('closedSession' in envelope) this.#node!.sessionClosed(envelope.closedSession);
    else this.#node!.receive(envelope.target, envelope.message, new Set(envelope.except));
  }

  #ignore(reason: string): void {
    this.#malformed++;
    const now = performance.now();
    if (now - this.#warnedAt < WARNING_INTERVAL) return;
    this.#warnedAt = now;
    this.#node!.logger.warn(`Ignored a malformed cluster message: ${reason} (${this.#malformed} so far)`);
  }
}
