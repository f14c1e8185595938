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
import { RedisSessionMembers } from './redis-session-members.js';
import { isPresenceMessage } from './presence-messages.js';
import { RedisPresence } from './redis-presence.js';
import type { ChannelSubscriptions } from './channel-subscriptions.js';

/**
 * The events of a `RedisCluster`: `cluster.on('disconnected', ({ reason }) => …)`. The same objects, with `cluster` added,
 * are published on `node:diagnostics_channel`, as `nestjs-webwire:cluster:disconnected` and so on.
 */
export interface RedisClusterEvents {
  /** Redis can be reached, for the first time or again. `places`: number of session members of this node. */
  connected: [event: { nodeId: string; places: number }];
  /** Redis does not answer, or the connection to it was lost. */
  disconnected: [event: { nodeId: string; reason: string }];
  /** A signal for other nodes was dropped, or lost with the connection. `dropped`: number of such signals so far. */
  drop: [event: { nodeId: string; dropped: number }];
}

/** The state of a node. */
export interface RedisClusterHealth {
  /** True if the other nodes can be reached. */
  readonly isHealthy: boolean;
  readonly status: 'starting' | 'connected' | 'disconnected' | 'stopped';
  /** The time at which the node got this status. */
  readonly since: Date;
  readonly nodeId: string;
  /** Number of connections of this node that have a session, each counted once per session. */
  readonly places: number;
  /** Number of channels that the node subscribes to. */
  readonly channels: number;
  /** Number of signals that wait until Redis can be reached. */
  readonly waitingSignals: number;
  /** Number of signals that were dropped, or lost with the connection, since the start. */
  readonly droppedSignals: number;
  /** While the node returns: number of its channels and session members that are registered in Redis again. */
  readonly returning?: { readonly channels: number; readonly places: number };
}

/** The shortest time between two warnings about malformed messages, in ms. */
const WARNING_INTERVAL = 10_000;

/** The interval at which the progress of a returning node is logged, in ms. */
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
  readonly #sessionMembers: RedisSessionMembers;
  readonly #presence: RedisPresence;
  #node: ClusterNode | undefined;
  #status: RedisClusterHealth['status'] = 'starting';
  #since = new Date();
  /** True from a loss of data in Redis until `ClusterNode.connected()` was called for its end. */
  #isRecovering = false;
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
    this.#sessionMembers = new RedisSessionMembers(this.#sessionMembersHost());
    this.places = this.#sessionMembers;
    this.#presence = new RedisPresence(this.#presenceHost());
    this.presence = this.#presence;
  }

  /** The id of this node in logs and events: a new one for each start. */
  get nodeId(): string {
    return this.#membership.nodeId;
  }

  /** The state of this node, for health checks. */
  health(): RedisClusterHealth {
    return {
      isHealthy: this.#status === 'connected' && this.#membership.isConnected && this.#subscriptions.isComplete,
      status: this.#status,
      since: this.#since,
      nodeId: this.nodeId,
      places: this.#sessionMembers.size,
      channels: this.#subscriptions.size,
      waitingSignals: this.#publisher.size,
      droppedSignals: this.#publisher.dropped,
      ...(this.#membership.isReturning && { returning: this.#progress }),
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
    // Nest also closes applications that failed to start.
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
        await this.#sessionMembers.resynchronize(step);
        // A shard that cannot be reached must not prevent the return: the next heartbeat registers the node.
        await this.#presence.register().catch(() => undefined);
      },
      beat: async () => {
        await Promise.all([this.#sessionMembers.confirmOldest(), this.#presence.beat().catch(() => undefined)]);
        if (!this.#isRecovering || this.#membership.isRecovering) return;
        this.#isRecovering = false;
        this.#node!.connected();
      },
      connected: () => this.#connected(),
      disconnected: (reason) => this.#disconnected(reason),
    };
  }

  #sessionMembersHost(): ConstructorParameters<typeof RedisSessionMembers>[0] {
    return {
      commands: this.#connections.commands,
      keys: this.#keys,
      membership: this.#membership,
      subscriptions: this.#subscriptions,
      sessionClosed: (session) => this.#node?.sessionClosed(session),
    };
  }

  get #progress(): { channels: number; places: number } {
    return { channels: this.#subscriptions.confirmed, places: this.#sessionMembers.registered };
  }

  #reportProgress(): void {
    const { channels, places } = this.#progress;
    this.#node!.logger.log(
      `This node is returning: Redis has registered ${channels} of its ${this.#subscriptions.size} channels ` +
        `and ${places} of its ${this.#sessionMembers.size} session members`,
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
    const places = this.#sessionMembers.size;
    if (this.#status === 'starting') logger.log(`This is node ${this.nodeId} of a cluster`);
    else
      logger.log(
        `Redis is back: the other nodes can be reached again, and ${places} session members of this node are registered`,
      );
    this.#isRecovering = this.#membership.isRecovering;
    if (this.#isRecovering) {
      logger.warn(
        `Redis has lost its data: for ${this.#options.nodeTimeout} ms, until all nodes have registered their members again, ` +
          'sessions with a limit cannot be restored',
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

  /** A failed signal shows that the connection is closing, before its event does. Replacing it makes the others wait. */
  #notPublished(error: Error): void {
    const { commands } = this.#connections;
    // A `ReplyError` is an answer of Redis, so the connection works. In a Redis Cluster, only one shard may be away.
    if (error.name !== 'ReplyError' && !commands.isClustered) commands.replace(error.message);
  }

  /** Called when channels have moved to other servers: messages were lost, and sessions may have been closed meanwhile. */
  #resubscribed(channels: readonly string[]): void {
    if (channels.includes(this.#keys.presenceChannel)) this.#presence.missed();
    const sessions = channels.flatMap((channel) => this.#keys.sessionOf(channel) ?? []);
    this.#sessionMembers.confirmAll(sessions).catch((error: Error) => this.#membership.fail(error.message));
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
    // The connections of this node got it when it was published.
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
