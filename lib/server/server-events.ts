import { channel, type Channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { ProtocolError } from '../protocol/index.js';
import type { WebwireConnection } from './connection.js';
import type { DisconnectReason } from './disconnect-reason.js';
import type { ConnectionRequest } from './carrier.js';
import { stackOf, type ServerLogger } from './logger.js';
import type { WebwireServer } from './server.js';

/**
 * What a `WebwireServer` tells: `server.on('connection', ({ connection }) => …)`. The same objects, with `server` added,
 * are published on `node:diagnostics_channel` under the name of the event after `nestjs-webwire:`, such as
 * `nestjs-webwire:connection`.
 */
export interface WebwireServerEvents {
  /** A client connected. */
  connection: [event: { connection: WebwireConnection }];
  /** A connection is gone. */
  disconnection: [event: { connection: WebwireConnection; reason: DisconnectReason }];
  /** A client was refused. `reason` is what the body of the HTTP response with this `status` says. */
  refusal: [event: { request: ConnectionRequest; status: number; reason: string }];
  /** A client broke the protocol (PROTOCOL.md, section 9); its connection is about to end. */
  violation: [event: { connection: WebwireConnection; error: ProtocolError }];
  /** A client reads too slowly: this many bytes wait for it, more than `maxBufferedAmount`. It is disconnected. */
  drop: [event: { connection: WebwireConnection; bufferedAmount: number }];
  /** A shutdown began: so many handlers run, on so many connections. */
  drain: [event: { running: number; connections: number }];
  /** A shutdown ended. `isComplete` is `false` if `shutdownTimeout` cut it short. */
  shutdown: [event: { isComplete: boolean }];
}

/** A class that emits the events of a server. */
export class ServerEvents extends EventEmitter<WebwireServerEvents> {
  static readonly #channels = new Map<string, Channel>();

  constructor(protected readonly logger: ServerLogger) {
    super({ captureRejections: true });
  }

  /** Costs nothing when nobody listens; a listener that fails is logged and harms nobody. */
  protected tell<Name extends keyof WebwireServerEvents>(name: Name, event: () => WebwireServerEvents[Name][0]): void {
    const published = ServerEvents.#channel(name);
    if (published.hasSubscribers) published.publish({ ...event(), server: this as unknown as WebwireServer });
    if (this.listenerCount(name) === 0) return;
    try {
      (this as EventEmitter).emit(name, event());
    } catch (error) {
      this.#failed(name, error);
    }
  }

  /** Called by Node.js when an asynchronous listener fails. @internal */
  [Symbol.for('nodejs.rejection')](error: unknown, name: string): void {
    this.#failed(name, error);
  }

  #failed(name: string, error: unknown): void {
    this.logger.error(`A listener of the server's event ${name} failed`, stackOf(error));
  }

  static #channel(name: string): Channel {
    const existing = this.#channels.get(name) ?? channel(`nestjs-webwire:${name}`);
    this.#channels.set(name, existing);
    return existing;
  }
}
