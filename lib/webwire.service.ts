import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { WebwireConnection } from './server/connection.js';
import { SESSION_HUB } from './session-provider.js';
import type { SessionHub } from './session/session-hub.js';

/** What an application does with its connections from outside of their handlers. Inject it anywhere. */
@Injectable()
export class WebwireService {
  constructor(private readonly moduleRef: ModuleRef) {}

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
   * @throws BufferOverflowError or ProtocolError, as `connection.signal()` does.
   */
  signalSession(key: string, name: string, body?: unknown): number {
    return this.sessionConnections(key).filter((connection) => connection.signal(name, body)).length;
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
