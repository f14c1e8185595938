import { Inject, Injectable, type Type } from '@nestjs/common';
import { LocalClusterNode } from './cluster-node.js';
import { SERVERS_BY_GATEWAY } from './decorators/inject-webwire-server.decorator.js';
import type { WebwireConnection } from '../server/connection.js';
import { DiagnosticsEmitter } from '../common/diagnostics-emitter.js';
import { check, stringThat } from '../common/options.js';
import type { GroupMember, GroupMemberEvent } from '../server/group-member.js';
import { checkJoinOptions, type JoinOptions } from '../server/join-options.js';
import type { WebwireServer } from '../server/server.js';
import { EncodedSignal } from '../server/signal.js';
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
  /** A member left a group: it was taken out, its last connection ended, or its node is gone. */
  left: [event: GroupMemberEvent];
}

const GROUP_RULE = stringThat('a string', () => true);

/**
 * What an application does with its connections from outside of their handlers. Inject it anywhere. Until the servers of
 * the application are there, it has no connections.
 *
 * Signals to many are encoded once for each codec: that of the gateways that a client is connected to, else that of the
 * module, as for `connection.signal()`. They go to all or, when something is thrown, to nobody. Connections that are closing,
 * as during a shutdown, get them until they are closed.
 *
 * In a cluster, signals go to the connections of all nodes, and sessions are closed on all of them. What is counted and
 * listed at once is of this node, and nobody waits for other nodes.
 */
@Injectable()
export class WebwireService extends DiagnosticsEmitter<WebwireServiceEvents> {
  constructor(
    @Inject(SERVERS_BY_GATEWAY) private readonly serverSet: ServerRegistry,
    private readonly node: LocalClusterNode,
  ) {
    super({ owner: 'service', channels: 'nestjs-webwire:group', logger: () => node.logger });
    // Groups are followed on all nodes once somebody listens.
    const listenerAdded = (name: unknown) => {
      if (name === 'joined' || name === 'left')
        node.watchGroups((event, member) => this.emitEvent(event, () => member));
    };
    this.on('newListener', listenerAdded as never);
  }

  /** The servers of the application, once it is initialised: one for each port and path that gateways have. */
  get servers(): Iterable<WebwireServer> {
    return this.serverSet.servers;
  }

  /**
   * The server that serves a gateway.
   * @throws InvalidOptionError if the application has no such gateway.
   */
  serverOf(gateway: Type): WebwireServer {
    return this.serverSet.serverOf(gateway, 'serverOf()');
  }

  /** The open connections of all servers of the application, those that are closing included. */
  get connections(): Iterable<WebwireConnection> {
    const { serverSet } = this;
    return {
      *[Symbol.iterator]() {
        for (const { connections } of serverSet.servers) yield* connections;
      },
    };
  }

  /** How many there are in `connections`. */
  get connectionCount(): number {
    return [...this.serverSet.servers].reduce((count, { connections }) => count + connections.size, 0);
  }

  /**
   * Sends a signal to all connections, or to those of one server.
   *
   * @param name As for `connection.signal()`.
   * @param body As for `connection.signal()`.
   * @param options `except`: who does not get it; `gateway`: whose server.
   * @returns How many connections it was sent to; in a cluster, of this node.
   * @throws BufferOverflowError if it does not fit the `messageBufferSize` of a server whose connections should get it;
   *   ProtocolError or TypeError as `connection.signal()`; InvalidOptionError, for a gateway that does not exist too.
   */
  broadcast(name: string, body?: unknown, options: BroadcastOptions = {}): number {
    const { except, gateway } = checkBroadcastOptions(options);
    const target = gateway && this.serverSet.find(gateway, 'broadcast()');
    const signal = this.#encode(name, body, target && [target.server]);
    const count = this.node.local.toAll(signal.messageFor, except, target?.server);
    this.node.publish({ kind: 'all', gateway: target?.name }, signal, except);
    return count;
  }

  /**
   * Puts a connection into a group, which comes into being with its first member. A connection leaves its groups by itself
   * when it ends, before `handleDisconnect` runs; one that is gone joins none. For a connection that is in the group already,
   * options replace those of before.
   *
   * @param group Any string.
   * @param options `info`: what `members()` and events say of the member; `as`: makes several connections one member.
   * @throws InvalidOptionError, for an `info` that is not JSON or larger than 1 024 bytes, for instance.
   */
  join(connection: WebwireConnection, group: string, options?: JoinOptions): void {
    check('group', group, GROUP_RULE);
    this.serverSet.groups.join(connection, group, options && checkJoinOptions(options));
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
   * Resolves when signals of the other nodes of a cluster reach all groups that were joined by now, or, where the other
   * nodes cannot be reached, at once. Await it after `join()` where somebody on another node is about to answer.
   */
  synchronized(): Promise<void> {
    return this.node.synchronized();
  }

  /** Takes a connection out of a group, if it is in it. */
  leave(connection: WebwireConnection, group: string): void {
    this.serverSet.groups.leave(connection, group);
  }

  /**
   * Sends a signal to the members of a group, whatever server they are connected to.
   *
   * @param name As for `connection.signal()`.
   * @param body As for `connection.signal()`.
   * @param options `except`: who does not get it; `local`: whether only connections of this node get it.
   * @returns How many connections it was sent to; in a cluster, of this node.
   * @throws BufferOverflowError if it does not fit the `messageBufferSize` of a server whose connections should get it;
   *   ProtocolError or TypeError as `connection.signal()`; InvalidOptionError.
   */
  signalGroup(group: string, name: string, body?: unknown, options: SignalGroupOptions = {}): number {
    const { except, local = false } = checkSignalGroupOptions(options);
    const signal = this.#encode(name, body);
    const count = this.node.local.toGroup(group, signal.messageFor, except);
    if (!local) this.node.publish({ kind: 'group', group }, signal, except);
    return count;
  }

  /** How many sessions are active: those of lost connections, which can be restored, do not count. */
  get sessionCount(): number {
    return this.node.sessionService?.registry.size ?? 0;
  }

  /** The connections that have a session, of all servers of the application; in a cluster, of this node. */
  sessionConnections(key: string): readonly WebwireConnection[] {
    return this.node.holders(digestOf(key));
  }

  /**
   * How many connections have a session; in a cluster, of all nodes.
   * @throws SessionError `CLUSTER_UNAVAILABLE` if the other nodes cannot be asked.
   */
  async countSessionConnections(key: string): Promise<number> {
    return (await this.node.sessionService?.registry.count(key)) ?? 0;
  }

  /**
   * Sends a signal to each connection that has a session.
   *
   * @param name As for `connection.signal()`.
   * @param body As for `connection.signal()`.
   * @returns How many connections it was sent to; in a cluster, of this node.
   * @throws BufferOverflowError if it does not fit the `messageBufferSize` of a server whose connections should get it;
   *   ProtocolError or TypeError as `connection.signal()`.
   */
  signalSession(key: string, name: string, body?: unknown): number {
    const signal = this.#encode(name, body);
    const session = digestOf(key);
    const count = this.node.local.toSession(session, signal.messageFor, new Set());
    this.node.publish({ kind: 'session', session }, signal);
    return count;
  }

  /**
   * Closes a session on all its connections, in a cluster on all nodes, tells them, and destroys it. Does nothing if no
   * connection has it: to revoke one that waits to be restored, remove it from your store.
   *
   * @returns How many connections had it.
   * @throws SessionError if the session manager could not destroy it, which is closed on all connections then; or
   *   `CLUSTER_UNAVAILABLE`: it is closed on this node, and elsewhere as soon as the other nodes can be reached.
   */
  async closeSession(key: string): Promise<number> {
    return (await this.node.sessionService?.closeSession(key)) ?? 0;
  }

  #encode(name: string, body: unknown, servers: Iterable<WebwireServer> = this.servers): EncodedSignal {
    const codecs = Array.from(servers, ({ codec }) => codec);
    return new EncodedSignal(name, body, codecs.length > 0 ? codecs : [this.serverSet.defaultCodec]);
  }
}
