import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { SERVERS_BY_GATEWAY } from './decorators/inject-webwire-server.decorator.js';
import type { Cluster, ClusterNode, ClusterTarget } from '../server/ports/cluster.js';
import { WebwireConnection } from '../server/connection.js';
import { LocalBroadcaster } from '../server/local-broadcaster.js';
import type { EncodedSignal } from '../server/signal.js';
import { quiet, stackOf } from '../common/logger.js';
import type { ServerRegistry } from './servers/server-registry.js';
import { SESSION_SERVICE } from './session.providers.js';
import type { SessionService } from '../session/session-service.js';
import type { WebwireModuleOptions } from './options/module-options.js';
import { CHECKED_OPTIONS } from './webwire.module-definition.js';

/**
 * This application as a node of a cluster. It sends signals to its own connections, publishes them to the other nodes, and
 * delivers the signals that it receives from them. Without a cluster, it has only its own connections.
 */
@Injectable()
export class LocalClusterNode implements ClusterNode, OnModuleInit, OnApplicationShutdown {
  readonly logger = quiet(new Logger('Webwire'));
  /** Sends signals to the connections of this node. */
  readonly local: LocalBroadcaster;
  readonly #cluster: Cluster | undefined;

  constructor(
    @Inject(CHECKED_OPTIONS) { cluster }: WebwireModuleOptions,
    @Inject(SERVERS_BY_GATEWAY) private readonly registry: ServerRegistry,
    private readonly moduleRef: ModuleRef,
  ) {
    this.#cluster = cluster;
    this.local = new LocalBroadcaster(registry, registry.groups, (session) => this.connectionsOf(session));
  }

  /**
   * The connections of this node that have a session.
   * @param session The digest of its key.
   */
  connectionsOf(session: string): readonly WebwireConnection[] {
    const members = this.sessionService?.registry.members(session) ?? [];
    return members.map(({ connection }) => connection).filter((connection) => connection instanceof WebwireConnection);
  }

  /** Looked up on use: the service needs the session manager, which may depend on a provider that injects this class. */
  get sessionService(): SessionService | null {
    return this.moduleRef.get<SessionService | null>(SESSION_SERVICE, { strict: false });
  }

  /** Sends a signal to the connections of the other nodes. Does nothing without a cluster. */
  publish(target: ClusterTarget, { messages }: EncodedSignal, except: Iterable<WebwireConnection> = []): void {
    const cluster = this.#cluster;
    if (!cluster) return;
    const ids = Array.from(except, ({ id }) => id);
    if (messages.size === 1) {
      for (const message of messages.values()) cluster.publish(target, message, ids);
      return;
    }
    // Other nodes have the same gateways. Each of their servers gets the message in its own codec.
    for (const { codec, gateway } of this.registry.codecs) {
      cluster.publish({ ...target, gateway }, messages.get(codec)!, ids);
    }
  }

  async synchronized(): Promise<void> {
    await this.#cluster?.synchronized();
  }

  /** Joins the cluster. Ports are still closed: the adapter opens them after all hooks. */
  async onModuleInit(): Promise<void> {
    const cluster = this.#cluster;
    if (!cluster) return;
    await cluster.start(this);
    this.registry.groups.observe({
      groupOpened: (group) => cluster.join(group),
      groupClosed: (group) => cluster.leave(group),
    });
  }

  /** Leaves the cluster last: other modules may send signals in their `onModuleDestroy`. */
  async onApplicationShutdown(): Promise<void> {
    await this.#cluster?.stop();
  }

  receive(target: ClusterTarget, message: Uint8Array, except: ReadonlySet<string>): void {
    const server = target.gateway === undefined ? undefined : this.registry.serverNamed(target.gateway);
    if (target.gateway !== undefined && !server) return;
    const allowed = server && new Set(server.connections);
    const exceptions = {
      has: (connection: WebwireConnection) => except.has(connection.id) || allowed?.has(connection) === false,
    };
    const messageFor = () => message;
    try {
      if (target.kind === 'group') this.local.toGroup(target.group, messageFor, exceptions);
      else if (target.kind === 'session') this.local.toSession(target.session, messageFor, exceptions);
      else this.local.toAll(messageFor, exceptions, server);
    } catch (error) {
      this.logger.warn(`A signal from another node was not delivered: ${(error as Error).message}`);
    }
  }

  sessionClosed(session: string): void {
    this.#run('Closing a session for another node', this.sessionService?.closedElsewhere(session));
  }

  connected(): void {
    this.#run('Closing sessions that were closed before', this.sessionService?.catchUp());
  }

  #run(subject: string, running: Promise<void> | undefined): void {
    running?.catch((error) => this.logger.error(`${subject} failed`, stackOf(error)));
  }
}
