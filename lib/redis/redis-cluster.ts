import type { Cluster, ClusterNode, ClusterPresence, ClusterTarget } from '../server/ports/cluster.js';
import { DiagnosticsEmitter } from '../common/diagnostics-emitter.js';
import type { SessionMembership } from '../session/session-membership.js';
import { decodeEnvelope, encodeEnvelope, type Envelope } from './envelope.js';
import { Keys } from './keys.js';
import { Membership } from './membership.js';
import { Publisher } from './publisher.js';
import { resolveRedisClusterOptions, type RedisClusterOptions } from './redis-cluster-options.js';
import { isClusterClient } from './redis-client.js';
import { RedisConnections } from './redis-connections.js';
import { placeOf } from './redis-options.js';
import { RedisPlaces } from './redis-places.js';
import { isPresenceMessage } from './presence-messages.js';
import { RedisPresence } from './redis-presence.js';
import { RedisUnavailableError } from './redis-commands.js';
import { ChannelSubscriptions } from './channel-subscriptions.js';

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

/** How a node is. */
export interface RedisClusterHealth {
  /** Whether the other nodes can be reached. */
  readonly isHealthy: boolean;
  readonly status: 'starting' | 'connected' | 'disconnected' | 'stopped';
  /** When it got this status. */
  readonly since: Date;
  readonly nodeId: string;
  /** How many places in sessions the connections of this node have. */
  readonly places: number;
  /** How many channels it listens to. */
  readonly channels: number;
  /** How many signals wait for Redis. */
  readonly waitingSignals: number;
  /** How many signals were dropped, or lost with the connection. */
  readonly droppedSignals: number;
}

/** Malformed messages are logged this often at most, in ms. */
const WARNING_INTERVAL = 10_000;

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
  readonly #link: RedisConnections;
  readonly #membership: Membership;
  readonly #publisher: Publisher;
  readonly #places: RedisPlaces;
  readonly #presence: RedisPresence;
  #subscriptions: ChannelSubscriptions | undefined;
  #node: ClusterNode | undefined;
  #status: RedisClusterHealth['status'] = 'starting';
  #since = new Date();
  /** Whether it is not known yet what all nodes have. */
  #isSettling = false;
  #malformed = 0;
  #warnedAt = -Infinity;

  /** @throws InvalidOptionError for an option that cannot be used. */
  constructor(options: RedisClusterOptions) {
    super({ owner: 'cluster', channels: 'nestjs-webwire:cluster', logger: () => this.#node?.logger });
    this.#options = resolveRedisClusterOptions(options);
    const place = placeOf(this.#options);
    this.#keys = new Keys(place.keyPrefix + this.#options.prefix);
    this.#link = new RedisConnections(place);
    this.#membership = new Membership(this.#membershipHost());
    this.#publisher = new Publisher(
      (channel, envelope) => this.#link.commands.client.call('spublish', channel, envelope),
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
      isHealthy: this.#status === 'connected' && this.#membership.isConnected,
      status: this.#status,
      since: this.#since,
      nodeId: this.nodeId,
      places: this.#places.size,
      channels: this.#subscriptions?.size ?? 0,
      waitingSignals: this.#publisher.size,
      droppedSignals: this.#publisher.dropped,
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
      await this.#link.open(this.#options.nodeTimeout, {
        message: (message) => this.#receive(message),
        interrupted: (reason) => this.#membership.fail(reason),
        ready: () => this.#membership.hurry(),
      });
      this.#subscriptions = new ChannelSubscriptions(this.#link.subscriber, this.#keys.idleChannel);
      this.#subscriptions.add(this.#keys.allChannel).catch(() => undefined);
      await this.#membership.start();
    } catch (error) {
      this.#link.close();
      throw error;
    }
  }

  /** For `WebwireModule`, when the application is shut down. */
  async stop(): Promise<void> {
    // An application that did not come to its start is closed, too.
    if (this.#status === 'starting') {
      this.#link.close();
      return;
    }
    await this.#presence.stop();
    if (this.#membership.isConnected) await this.#publisher.idle(this.#options.commandTimeout);
    await this.#membership.stop();
    this.#become('stopped');
    this.#link.close();
  }

  /** For `WebwireService`. */
  publish(target: ClusterTarget, message: Uint8Array, except: readonly string[]): void {
    if (this.#status === 'stopped') return;
    const envelope = encodeEnvelope({ origin: this.nodeId, target, except, message });
    this.#publisher.publish(this.#keys.channelOf(target), envelope);
  }

  /** For `WebwireService`. */
  join(group: string): void {
    const subscribing = this.#subscriptions?.add(this.#keys.groupChannel(group));
    subscribing?.catch((error: Error) => this.#membership.fail(error.message));
  }

  /** For `WebwireService`. */
  leave(group: string): void {
    this.#subscriptions?.remove(this.#keys.groupChannel(group));
  }

  /** For `WebwireService`. */
  async synchronized(): Promise<void> {
    await this.#subscriptions?.settled();
  }

  #membershipHost(): ConstructorParameters<typeof Membership>[0] {
    const { nodeTimeout } = this.#options;
    const link = this.#link;
    return {
      get commands() {
        return link.commands;
      },
      keys: this.#keys,
      nodeTimeout,
      probeSubscriptions: () => this.#subscriptions!.probe(),
      resynchronize: async (renew) => {
        await this.#subscriptions!.renew();
        await this.#places.resynchronize(renew);
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
    const link = this.#link;
    const subscriptions = () => this.#subscriptions;
    return {
      get commands() {
        return link.commands;
      },
      keys: this.#keys,
      membership: this.#membership,
      get subscriptions() {
        return subscriptions();
      },
      sessionClosed: (session) => this.#node?.sessionClosed(session),
    };
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
      ask: async (command, ...args) => this.#link.commands.ask(command, ...args),
      subscribe: async (channel) => {
        if (!this.#subscriptions) throw new RedisUnavailableError('there is no connection yet');
        await this.#subscriptions.add(channel);
      },
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

  /**
   * What was just lost on a connection shows that it is going, before the connection tells: what waits must not follow.
   * Redis itself may have refused the signal, and of a Redis Cluster, a single shard may be away.
   */
  #notPublished(error: Error): void {
    if (error.name !== 'ReplyError' && !isClusterClient(this.#link.commands.client))
      this.#membership.fail('its connection for commands was lost');
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
    // What this node publishes, its own connections already have.
    if (envelope.origin === this.nodeId) return;
    if ('closedSession' in envelope) this.#node!.sessionClosed(envelope.closedSession);
    else this.#node!.receive(envelope.target, envelope.message, new Set(envelope.except));
  }

  #ignore(reason: string): void {
    this.#malformed++;
    const now = performance.now();
    if (now - this.#warnedAt < WARNING_INTERVAL) return;
    this.#warnedAt = now;
    this.#node!.logger.warn(
      `A message that is none of a node was ignored: ${reason} (${this.#malformed} of that kind by now)`,
    );
  }
}
