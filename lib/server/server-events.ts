import { channel, type Channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import type { ProtocolError } from '../protocol/index.js';
import type { WebwireConnection } from './connection.js';
import type { DisconnectReason } from './disconnect-reason.js';
import type { ConnectionRequest } from './carrier.js';
import { stackOf, type ServerLogger } from './logger.js';

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
  constructor(protected readonly logger: ServerLogger) {
    super();
  }

  /** Costs next to nothing when nobody listens; a listener that fails is logged and harms nobody. */
  protected tell<Name extends keyof WebwireServerEvents>(
    name: Name,
    describe: () => WebwireServerEvents[Name][0],
  ): void {
    const published = channelOf(name);
    const listeners = this.rawListeners(name);
    if (!published.hasSubscribers && listeners.length === 0) return;
    const event = describe();
    for (const listener of listeners) this.#call(name, listener, event);
    published.publish({ ...event, server: this });
  }

  #call(name: string, listener: Function, event: object): void {
    const fail = (error: unknown) =>
      this.logger.error(`A listener of the server's event ${name} failed`, stackOf(error));
    try {
      const result: unknown = Reflect.apply(listener, this, [event]);
      if (result instanceof Promise) result.catch(fail);
    } catch (error) {
      fail(error);
    }
  }
}

/**
 * Kept for ever, as it is the process's: Node.js 20 lets go of a channel that nobody holds, and when it notices later it
 * forgets who has subscribed under the same name since.
 */
const channels = new Map<string, Channel>();

function channelOf(name: string): Channel {
  const existing = channels.get(name);
  if (existing) return existing;
  const made = channel(`nestjs-webwire:${name}`);
  channels.set(name, made);
  return made;
}
