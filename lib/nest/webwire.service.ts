import { Inject, Injectable, type Type } from '@nestjs/common';
import { LocalClusterNode } from './cluster-node.js';
import { SERVERS_BY_GATEWAY } from './decorators/inject-webwire-server.decorator.js';
import type { SendArguments } from '../contract/entries.js';
import type { WebwireConnection } from '../server/connection.js';
import { DiagnosticsEmitter } from '../common/diagnostics-emitter.js';
import { check, stringThat } from '../common/options.js';
import type { GroupMember, GroupMemberEvent } from '../server/group-member.js';
import type { ClusterHealth } from '../server/ports/cluster.js';
import { checkJoinOptions, type JoinOptions } from '../server/join-options.js';
import type { WebwireServer } from '../server/server.js';
import { EncodedSignal, type SignalTarget } from '../server/signal.js';
import type { ServerRegistry } from './servers/server-registry.js';
import { digestOf } from '../common/key-digest.js';
import {
  checkBroadcastOptions,
  checkSignalGroupOptions,
  type BroadcastOptions,
  type SignalGroupOptions,
} from './options/send-options.js';

/**
 * Events of the `WebwireService`: `webwire.on('joined', ({ group, connectionId, info }) => …)`. In a cluster, every node emits
 * those of all nodes. The same objects, with `service` added, are published on `node:diagnostics_channel`, as
 * `nestjs-webwire:group:joined` and `nestjs-webwire:group:left`, once there is a listener.
 */
export interface WebwireServiceEvents {
  /** A group has a new member, or a member has another `info` than in the event `left` just before. */
  joined: [event: GroupMemberEvent];
  /** A member left a group: it was removed, its last connection ended, or its node is gone. */
  left: [event: GroupMemberEvent];
}

const GROUP_RULE = stringThat('a string', () => true);

/**
 * Gives providers access to the connections, groups and sessions of the application. Any module can inject it. It has no
 * connections until Nest has initialised the gateways.
 *
 * A signal to many connections is encoded once for each codec: that of the gateways of a connection, else that of the module,
 * as for `connection.signal()`. If a method throws, no connection gets the signal. Connections that are closing, as during a
 * shutdown, get signals until they are closed.
 *
 * In a cluster, signals go to the connections of all nodes, and sessions are closed on all nodes. Methods and properties that
 * return at once count and list the connections of this node only.
 */
@Injectable()
export class WebwireService extends DiagnosticsEmitter<WebwireServiceEvents> {
  /** @hidden */
  constructor(
    @Inject(SERVERS_BY_GATEWAY) private readonly registry: ServerRegistry,
    private readonly node: LocalClusterNode,
  ) {
    super({ owner: 'service', channels: 'nestjs-webwire:group', logger: () => node.logger });
    // The groups of all nodes are watched from the first listener on.
    const listenerAdded = (name: unknown) => {
      if (name === 'joined' || name === 'left')
        node.watchGroups((event, member) => this.emitEvent(event, () => member));
    };
    this.on('newListener', listenerAdded as never);
  }

  /** The servers of the application, one for each port and path of its gateways; none until it is initialised. */
  get servers(): Iterable<WebwireServer> {
    return this.registry.servers;
  }

  /**
   * The server that serves a gateway.
   * @throws InvalidOptionError if the application has no such gateway.
   */
  serverOf(gateway: Type): WebwireServer {
    return this.registry.serverOf(gateway, 'serverOf()');
  }

  /** The state of this node of the cluster; `undefined` without a cluster, or if the cluster has no health. */
  get clusterHealth(): ClusterHealth | undefined {
    return this.node.health;
  }

  /** The open connections of all servers of the application, including those that are closing. */
  get connections(): Iterable<WebwireConnection> {
    const { registry } = this;
    return {
      *[Symbol.iterator]() {
        for (const { connections } of registry.servers) yield* connections;
      },
    };
  }

  /** Number of `connections`. */
  get connectionCount(): number {
    return [...this.registry.servers].reduce((count, { connections }) => count + connections.size, 0);
  }

  /**
   * Sends a signal to all connections, or to those of one server.
   *
   * @param signal As for `connection.signal()`: a name, or an entry of a contract.
   * @param args The body, as for `connection.signal()`, and options. `except`: connections that do not get the signal; `gateway`:
   *   the gateway whose server sends it.
   * @returns Number of connections to which it was sent; in a cluster, of this node.
   * @throws BufferOverflowError if the message is larger than the `messageBufferSize` of a server that would send it;
   *   ContractError, ProtocolError or TypeError as `connection.signal()`; InvalidOptionError for a bad option or an unknown gateway.
   */
  broadcast<Signal extends SignalTarget>(
    signal: Signal,
    ...args: SendArguments<Signal, [options?: BroadcastOptions]>
  ): number;
  broadcast(target: SignalTarget, body?: unknown, options: BroadcastOptions = {}): number {
    const { except, gateway } = checkBroadcastOptions(options);
    const found = gateway && this.registry.find(gateway, 'broadcast()');
    const signal = this.#encode(target, body, found && [found.server]);
    const count = this.node.local.toAll(signal.messageFor, except, found?.server);
    this.node.publish({ kind: 'all', gateway: found?.name }, signal, except);
    return count;
  }

  /**
   * Adds a connection to a group. Groups need not be created. A connection leaves its groups when it ends, before
   * `handleDisconnect` runs; a connection that has ended joins no group. For a connection that is a member already, the new
   * options replace the old ones.
   *
   * @param group Any string.
   * @param options `info`: the info of the member in `members()` and in events; `as`: makes several connections one member.
   * @throws InvalidOptionError, for an `info` that is not JSON or larger than 1 024 bytes, for instance.
   */
  join(connection: WebwireConnection, group: string, options?: JoinOptions): void {
    check('group', group, GROUP_RULE);
    this.registry.groups.join(connection, group, options && checkJoinOptions(options));
  }

  /**
   * The members of a group in the order in which they joined; in a cluster, those of all nodes. The other nodes are asked
   * for their members; a node that does not answer any more is waited for until its `nodeTimeout` is over.
   *
   * @returns One entry for each connection, or for all connections that joined with the same `as`.
   * @throws ClusterUnavailableError if the other nodes cannot be asked.
   */
  async members(group: string): Promise<readonly GroupMember[]> {
    return this.node.members(group);
  }

  /**
   * The number of members of a group, as `members()` lists them; in a cluster, of all nodes.
   * @throws ClusterUnavailableError if the other nodes cannot be asked.
   */
  async countMembers(group: string): Promise<number> {
    return this.node.countMembers(group);
  }

  /**
   * Resolves when the other nodes of a cluster send their signals also to the groups that were joined before this call; at
   * once if the other nodes cannot be reached. Await it after `join()` if another node is about to send to the group.
   */
  synchronized(): Promise<void> {
    return this.node.synchronized();
  }

  /** Removes a connection from a group. Does nothing if it is not a member. */
  leave(connection: WebwireConnection, group: string): void {
    this.registry.groups.leave(connection, group);
  }

  /**
   * Sends a signal to the members of a group, on all servers of the application.
   *
   * @param signal As for `connection.signal()`: a name, or an entry of a contract.
   * @param args The body, as for `connection.signal()`, and options. `except`: connections that do not get the signal;
   *   `local: true`: only connections of this node get it.
   * @returns Number of connections to which it was sent; in a cluster, of this node.
   * @throws BufferOverflowError if the message is larger than the `messageBufferSize` of a server that would send it;
   *   ContractError, ProtocolError or TypeError as `connection.signal()`; InvalidOptionError.
   */
  signalGroup<Signal extends SignalTarget>(
    group: string,
    signal: Signal,
    ...args: SendArguments<Signal, [options?: SignalGroupOptions]>
  ): number;
  signalGroup(group: string, target: SignalTarget, body?: unknown, options: SignalGroupOptions = {}): number {
    const { except, local = false } = checkSignalGroupOptions(options);
    const signal = this.#encode(target, body);
    const count = this.node.local.toGroup(group, signal.messageFor, except);
    if (!local) this.node.publish({ kind: 'group', group }, signal, except);
    return count;
  }

  /** Number of sessions that a connection has. Sessions that wait to be restored do not count. */
  get sessionCount(): number {
    return this.node.sessionService?.registry.size ?? 0;
  }

  /** The connections that have a session, on all servers of the application; in a cluster, of this node. */
  sessionConnections(key: string): readonly WebwireConnection[] {
    return this.node.connectionsOf(digestOf(key));
  }

  /**
   * Counts the connections that have a session; in a cluster, on all nodes.
   * @throws SessionError `CLUSTER_UNAVAILABLE` if the other nodes cannot be asked.
   */
  async countSessionConnections(key: string): Promise<number> {
    return (await this.node.sessionService?.registry.count(key)) ?? 0;
  }

  /**
   * Sends a signal to each connection that has a session.
   *
   * @param signal As for `connection.signal()`: a name, or an entry of a contract.
   * @param body As for `connection.signal()`.
   * @returns Number of connections to which it was sent; in a cluster, of this node.
   * @throws BufferOverflowError if the message is larger than the `messageBufferSize` of a server that would send it;
   *   ContractError, ProtocolError or TypeError as `connection.signal()`.
   */
  signalSession<Signal extends SignalTarget>(key: string, signal: Signal, ...body: SendArguments<Signal>): number;
  signalSession(key: string, target: SignalTarget, body?: unknown): number {
    const signal = this.#encode(target, body);
    const session = digestOf(key);
    const count = this.node.local.toSession(session, signal.messageFor, new Set());
    this.node.publish({ kind: 'session', session }, signal);
    return count;
  }

  /**
   * Closes a session on all its connections, in a cluster on all nodes, notifies the clients, and destroys the session. Does
   * nothing if no connection has it: to revoke a session that waits to be restored, remove it from your store.
   *
   * @returns Number of connections that had the session.
   * @throws SessionError if the session manager cannot destroy the session, which is then closed on all connections; or
   *   `CLUSTER_UNAVAILABLE`: the session is closed on this node, and on others as soon as they can be reached.
   */
  async closeSession(key: string): Promise<number> {
    return (await this.node.sessionService?.closeSession(key)) ?? 0;
  }

  #encode(target: SignalTarget, body: unknown, servers: Iterable<WebwireServer> = this.servers): EncodedSignal {
    const codecs = Array.from(servers, ({ codec }) => codec);
    return new EncodedSignal(target, body, codecs.length > 0 ? codecs : [this.registry.defaultCodec]);
  }
}
