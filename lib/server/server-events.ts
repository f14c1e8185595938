import type { ProtocolError } from '../protocol/index.js';
import type { WebwireConnection } from './connection.js';
import type { DisconnectReason } from './disconnect-reason.js';
import type { ConnectionRequest } from './ports/transport-connection.js';

/**
 * Events of a `WebwireServer`: `server.on('connection', ({ connection }) => …)`. The same objects, with `server` added, are
 * published on the channels of `node:diagnostics_channel` that have the name of the event after `nestjs-webwire:`, such
 * as `nestjs-webwire:connection`.
 */
export interface WebwireServerEvents {
  /** A client connected. */
  connection: [event: { connection: WebwireConnection }];
  /** A connection is gone. */
  disconnection: [event: { connection: WebwireConnection; reason: DisconnectReason }];
  /** A client that asked to connect was refused with this HTTP `status`. `reason` is the body of the response. */
  refusal: [event: { request: ConnectionRequest; status: number; reason: string }];
  /** A client broke the protocol (docs/PROTOCOL.md, section 9); its connection is about to close. */
  violation: [event: { connection: WebwireConnection; error: ProtocolError }];
  /**
   * A message of a client was refused, because the client sends more than `rateLimit` allows. The `name` of a session request is
   * empty.
   */
  limit: [event: { connection: WebwireConnection; kind: 'request' | 'signal' | 'session'; name: string }];
  /** A client was disconnected because it read too slowly. This many bytes waited for it. */
  drop: [event: { connection: WebwireConnection; bufferedAmount: number }];
  /** A shutdown began, while this many handlers ran and this many connections were open. */
  drain: [event: { running: number; connections: number }];
  /** A shutdown ended. `isComplete` is `false` if `shutdownTimeout` ended it early. */
  shutdown: [event: { isComplete: boolean }];
}
