import { randomBytes } from 'node:crypto';
import type { Cluster, ClusterNode, ClusterPresence, ClusterTarget } from '../server/ports/cluster.js';
import { DiagnosticsEmitter } from '../common/diagnostics-emitter.js';
import type { SessionMembership } from '../session/session-membership.js';
import { encodeEnvelope } from './envelope.js';
import { IncomingMessages } from './incoming-messages.js';
import { Keys } from './keys.js';
import { Membership, type MembershipActions } from './membership.js';
import { Publisher } from './publisher.js';
import type { RedisClusterEvents, RedisClusterHealth } from './redis-cluster-health.js';
import { resolveRedisClusterOptions, type RedisClusterOptions } from './redis-cluster-options.js';
import { RedisConnections } from './redis-connections.js';
import { addressOf } from './redis-options.js';
import { RedisSessionMembers } from './redis-session-members.js';
import { RedisPresence } from './redis-presence.js';
import { Resynchronization } from './resynchronization.js';
import type { ChannelSubscriptions } from './channel-subscriptions.js';

/**
 * Makes an application one of several nodes, through Redis 7 or later: the option `cluster` of `WebwireModule`. Each
 * application needs one of its own, so make it in a factory, which runs for each application.
 *
 * @example WebwireModule.forRootAsync({ useFactory: () => ({ cluster: new RedisCluster({ url: 'redis://localhost:6379' }) }) })
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
  readonly #incoming: IncomingMessages;
  readonly #resynchronization: Resynchronization;
  #node: ClusterNode | undefined;
  #status: RedisClusterHealth['status'] = 'starting';
  #since = new Date();
  /** True from a loss of data in Redis until `ClusterNode.connected()` was called for its end. */
  #isRecovering = false;

  /** @throws InvalidOptionError for an option that cannot be used. */
  constructor(options: RedisClusterOptions) {
    super({ owner: 'cluster', channels: 'nestjs-webwire:cluster', logger: () => this.#node?.logger });
    this.#options = resolveRedisClusterOptions(options);
    const address = addressOf(this.#options);
    this.#keys = new Keys(address.keyPrefix + this.#options.prefix);
    const nodeId = randomBytes(16).toString('hex');
    this.#connections = new RedisConnections(address, this.#keys, nodeId, {
      message: (message) => this.#incoming.receive(message),
      interrupted: (reason) => this.#membership.fail(reason),
      commandsLost: () => this.#publisher.connectionLost(),
      ready: () => this.#membership.hurry(),
      suspected: () => this.#membership.hurry(),
      resubscribed: (channels) => this.#resubscribed(channels),
    });
    const { commands, subscriptions } = this.#connections;
    this.#membership = new Membership(
      nodeId,
      commands,
      this.#keys,
      this.#options.nodeTimeout,
      this.#membershipActions(),
    );
    this.#publisher = new Publisher(
      (channel, envelope) => commands.send('spublish', channel, envelope),
      this.#options.maxWaitingSignals,
      () => this.#membership.isConnected,
      () => this.emitEvent('drop', () => ({ nodeId: this.nodeId, dropped: this.#publisher.dropped })),
      (error) => this.#notPublished(error),
    );
    this.#sessionMembers = new RedisSessionMembers(commands, this.#keys, this.#membership, subscriptions, (session) =>
      this.#node?.sessionClosed(session),
    );
    this.places = this.#sessionMembers;
    this.#presence = new RedisPresence(
      commands,
      this.#keys,
      this.#membership,
      subscriptions,
      this.#options,
      () => this.#node,
    );
    this.presence = this.#presence;
    this.#resynchronization = new Resynchronization(subscriptions, this.#sessionMembers, (line) =>
      this.#node!.logger.log(line),
    );
    this.#incoming = new IncomingMessages(nodeId, this.#presence, () => this.#node!);
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
      ...(this.#membership.isReturning && { returning: this.#resynchronization.progress }),
    };
  }

  /**
   * For `WebwireModule`, when the application starts.
   * @throws RedisUnavailableError if Redis cannot be reached within the `nodeTimeout`, or is older than version 7.
   */
  async start(node: ClusterNode): Promise<void> {
    if (this.#node) {
      throw new Error(
        'a RedisCluster is for one application only: make it in the factory of WebwireModule.forRootAsync(), which runs for ' +
          'each application',
      );
    }
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

  #membershipActions(): MembershipActions {
    return {
      probeSubscriptions: (renew) => this.#subscriptions.probe(renew),
      resynchronize: async (renew) => {
        await this.#resynchronization.run(renew);
        // A shard that cannot be reached must not prevent the return: the next heartbeat registers the node.
        await this.#presence.register().catch(() => undefined);
      },
      beat: async () => {
        await Promise.all([
          this.#sessionMembers.registration.confirmOldest(),
          this.#presence.beat().catch(() => undefined),
        ]);
        if (!this.#isRecovering || this.#membership.isRecovering) return;
        this.#isRecovering = false;
        this.#node!.connected();
      },
      connected: () => this.#connected(),
      disconnected: (reason) => this.#disconnected(reason),
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
    this.#sessionMembers.registration
      .confirmAll(sessions)
      .catch((error: Error) => this.#membership.fail(error.message));
  }

  get #subscriptions(): ChannelSubscriptions {
    return this.#connections.subscriptions;
  }

  #become(status: RedisClusterHealth['status']): void {
    this.#status = status;
    this.#since = new Date();
  }
}
