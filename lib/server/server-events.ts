import type { ProtocolError } from '../protocol/index.js';
import type { WebwireConnection } from './connection.js';
import type { DisconnectReason } from './disconnect-reason.js';
import type { ConnectionRequest } from './ports/transport-connection.js';
import type { ServerLogger } from '../common/logger.js';
import { DiagnosticsEmitter } from '../common/diagnostics-emitter.js';

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
  /** A client takes too little of what is sent to it, or nothing: this many bytes wait for it. It is disconnected. */
  drop: [event: { connection: WebwireConnection; bufferedAmount: number }];
  /** A shutdown began: so many handlers run, on so many connections. */
  drain: [event: { running: number; connections: number }];
  /** A shutdown ended. `isComplete` is `false` if `shutdownTimeout` cut it short. */
  shutdown: [event: { isComplete: boolean }];
}

/** A class that emits the events of a server. */
export class ServerEvents extends DiagnosticsEmitter<WebwireServerEvents> {
  constructor(protected readonly logger: ServerLogger) {
    super({ owner: 'server', channels: 'nestjs-webwire', logger: () => logger });
  }
}
