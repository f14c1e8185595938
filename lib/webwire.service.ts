import { Inject, Injectable, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { SERVERS_BY_GATEWAY } from './decorators/inject-webwire-server.decorator.js';
import { WebwireConnection } from './server/connection.js';
import { LocalReach } from './server/local-reach.js';
import { check, stringThat } from './server/option-rules.js';
import type { WebwireServer } from './server/server.js';
import { encodeSignal } from './server/signal.js';
import type { ServerSet } from './server-set.js';
import { SESSION_HUB } from './session-provider.js';
import type { SessionHub } from './session/session-hub.js';
import {
  checkBroadcastOptions,
  checkSignalGroupOptions,
  type BroadcastOptions,
  type SignalGroupOptions,
} from './signal-options.js';

const GROUP_RULE = stringThat('a string', () => true);

/**
 * What an application does with its connections from outside of their handlers. Inject it anywhere. Until the servers of
 * the application are there, it has no connections.
 *
 * Signals to many are encoded once. They go to all or, when something is thrown, to nobody. Connections that are closing,
 * as during a shutdown, get them until they are closed.
 */
@Injectable()
export class WebwireService {
  readonly #local: LocalReach;

  constructor(
    @Inject(SERVERS_BY_GATEWAY) private readonly serverSet: ServerSet,
    private readonly moduleRef: ModuleRef,
  ) {
    this.#local = new LocalReach({
      get servers() {
        return serverSet.servers;
      },
      members: (group) => serverSet.groups.members(group),
      holders: (key) => this.sessionConnections(key),
    });
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
   * @returns How many connections it was sent to.
   * @throws BufferOverflowError if it does not fit the `messageBufferSize` of a server whose connections should get it;
   *   ProtocolError or TypeError as `connection.signal()`; InvalidOptionError, for a gateway that does not exist too.
   */
  broadcast(name: string, body?: unknown, options: BroadcastOptions = {}): number {
    const { except, gateway } = checkBroadcastOptions(options);
    const server = gateway && this.serverSet.serverOf(gateway, 'broadcast()');
    return this.#local.toAll(encodeSignal(name, body), except, server);
  }

  /**
   * Puts a connection into a group, which comes into being with its first member. A connection leaves its groups by itself
   * when it ends, before `handleDisconnect` runs; one that is gone joins none.
   *
   * @param group Any string.
   */
  join(connection: WebwireConnection, group: string): void {
    check('group', group, GROUP_RULE);
    this.serverSet.groups.join(connection, group);
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
   * @param options `except`: who does not get it.
   * @returns How many connections it was sent to.
   * @throws BufferOverflowError if it does not fit the `messageBufferSize` of a server whose connections should get it;
   *   ProtocolError or TypeError as `connection.signal()`; InvalidOptionError.
   */
  signalGroup(group: string, name: string, body?: unknown, options: SignalGroupOptions = {}): number {
    const { except } = checkSignalGroupOptions(options);
    return this.#local.toGroup(group, encodeSignal(name, body), except);
  }

  /** How many sessions are active: those of lost connections, which can be restored, do not count. */
  get sessionCount(): number {
    return this.#hub?.registry.size ?? 0;
  }

  /** The connections that have a session, of all servers of the application. */
  sessionConnections(key: string): readonly WebwireConnection[] {
    const slots = this.#hub?.registry.connections(key) ?? [];
    return slots.map(({ connection }) => connection).filter((connection) => connection instanceof WebwireConnection);
  }

  /**
   * Sends a signal to each connection that has a session.
   *
   * @param name As for `connection.signal()`.
   * @param body As for `connection.signal()`.
   * @returns How many connections it was sent to.
   * @throws BufferOverflowError if it does not fit the `messageBufferSize` of a server whose connections should get it;
   *   ProtocolError or TypeError as `connection.signal()`.
   */
  signalSession(key: string, name: string, body?: unknown): number {
    return this.#local.toSession(key, encodeSignal(name, body));
  }

  /**
   * Closes a session on all its connections, tells them, and destroys it. Does nothing if no connection has it: to revoke
   * one that waits to be restored, remove it from your store.
   *
   * @returns How many connections had it.
   * @throws SessionError if the session manager could not destroy it; it is closed on all connections then.
   */
  async closeSession(key: string): Promise<number> {
    return (await this.#hub?.closeSession(key)) ?? 0;
  }

  /** Looked up when it is needed: a session manager may inject this service, and the hub takes the manager. */
  get #hub(): SessionHub | null {
    return this.moduleRef.get<SessionHub | null>(SESSION_HUB, { strict: false });
  }
}
