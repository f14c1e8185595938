import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { SERVERS_BY_GATEWAY } from './decorators/inject-webwire-server.decorator.js';
import type { Cluster, ClusterHealth, ClusterNode, ClusterTarget } from '../server/ports/cluster.js';
import { WebwireConnection } from '../server/connection.js';
import {
  addCounts,
  countEntries,
  membersOf,
  type GroupChange,
  type GroupEntry,
  type GroupMember,
} from '../server/group-member.js';
import { GroupPresence } from '../server/group-presence.js';
import type { DatedMembership } from '../server/groups.js';
import { LocalBroadcaster } from '../server/local-broadcaster.js';
import { runGuarded } from '../server/run-guarded.js';
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
  /** The events of groups; `undefined` until there is a listener for them. */
  #presence: GroupPresence | undefined;

  constructor(
    @Inject(CHECKED_OPTIONS) { cluster }: WebwireModuleOptions,
    @Inject(SERVERS_BY_GATEWAY) private readonly registry: ServerRegistry,
    private readonly moduleRef: ModuleRef,
  ) {
    this.#cluster = cluster;
    this.local = new LocalBroadcaster(registry, registry.groups, (session) => this.connectionsOf(session));
    registry.groups.listen((group, { id }, now, before) => {
      if (!this.#presence && !cluster?.presence) return;
      const change = { group, before: before && entryOf(id, before), now: now && entryOf(id, now) };
      this.#call('presence.changed', ({ presence }) => presence?.changed(change));
      this.#presence?.change(change);
    });
  }

  /** The state of this node; `undefined` without a cluster, or if the cluster has none. */
  get health(): ClusterHealth | undefined {
    return this.#cluster?.health?.();
  }

  /** The members of a group, on all nodes. @throws ClusterUnavailableError */
  async members(group: string): Promise<readonly GroupMember[]> {
    const elsewhere = (await this.#cluster?.presence?.entries(group)) ?? [];
    return membersOf([...this.entries(group), ...elsewhere]);
  }

  /** The number of members of a group, on all nodes. @throws ClusterUnavailableError */
  async countMembers(group: string): Promise<number> {
    const elsewhere = (await this.#cluster?.presence?.count(group)) ?? [];
    return addCounts([...elsewhere, countEntries(this.entries(group))]);
  }

  /** Reports members that join and leave groups, on all nodes, from now on. */
  watchGroups(emit: ConstructorParameters<typeof GroupPresence>[0]): void {
    if (this.#presence) return;
    this.#presence = new GroupPresence(emit);
    this.#presence.begin(this.allEntries());
    this.#call('presence.watch', ({ presence }) => presence?.watch());
  }

  *entries(group: string): Iterable<GroupEntry> {
    for (const [{ id }, membership] of this.registry.groups.memberships(group)) yield entryOf(id, membership);
  }

  *allEntries(): Iterable<readonly [string, GroupEntry]> {
    for (const group of this.registry.groups.names) for (const entry of this.entries(group)) yield [group, entry];
  }

  groupsChanged(changes: readonly GroupChange[]): void {
    for (const change of changes) this.#presence?.change(change);
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
    if (!this.#cluster) return;
    const ids = Array.from(except, ({ id }) => id);
    const publish = (to: ClusterTarget, message: Uint8Array) =>
      this.#call('publish', (cluster) => cluster.publish(to, message, ids));
    if (messages.size === 1) {
      for (const message of messages.values()) publish(target, message);
      return;
    }
    // Other nodes have the same gateways. Each of their servers gets the message in its own codec.
    for (const { codec, gateway } of this.registry.codecs) publish({ ...target, gateway }, messages.get(codec)!);
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
      groupOpened: (group) => this.#call('join', () => cluster.join(group)),
      groupClosed: (group) => this.#call('leave', () => cluster.leave(group)),
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

  /**
   * Calls a method of the cluster that has no result. Its failure is logged, as a cluster that fails must not stop a node from
   * serving its own connections.
   */
  #call(method: string, call: (cluster: Cluster) => void): void {
    const cluster = this.#cluster;
    if (cluster) void runGuarded(this.logger, `${method}() of the cluster`, () => call(cluster));
  }

  #run(subject: string, running: Promise<void> | undefined): void {
    running?.catch((error) => this.logger.error(`${subject} failed`, stackOf(error)));
  }
}

function entryOf(connectionId: string, { as, info, joinedAt }: DatedMembership): GroupEntry {
  return as === undefined ? { connectionId, info, joinedAt } : { connectionId, as, info, joinedAt };
}
