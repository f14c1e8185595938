import type { ProtocolError } from '../protocol/index.js';
import type { WebwireConnection } from './connection.js';
import type { DisconnectReason } from './disconnect-reason.js';
import type { ConnectionRequest } from './ports/transport-connection.js';
import type { ServerLogger } from '../common/logger.js';
import { DiagnosticsEmitter } from '../common/diagnostics-emitter.js';
import { addMovedMembers, fail } from './moved-members.js';
import { MOVED_SERVER_EVENTS, MOVED_SERVER_MEMBERS } from './moved-server-members.js';

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

/** A class that emits the events of a server, and no others. */
export class ServerEvents extends DiagnosticsEmitter<WebwireServerEvents> {
  static {
    addMovedMembers(this.prototype, 'server', MOVED_SERVER_MEMBERS);
    refuseForeignEvents(this.prototype);
  }

  constructor(protected readonly logger: ServerLogger) {
    super({ owner: 'server', channels: 'nestjs-webwire', logger: () => logger });
  }
}

/** What Node's EventEmitter emits itself. */
const OWN_EVENTS = new Set<unknown>(['newListener', 'removeListener']);

/** In other libraries `server.emit()` sends to all clients, and some events have other names. */
function refuseForeignEvents(prototype: object): void {
  replace('emit', (event) => {
    if (!OWN_EVENTS.has(event))
      fail('server.emit()', 'webwire.broadcast(name, body, { gateway }) of the WebwireService');
  });
  for (const method of ['on', 'addListener', 'prependListener']) {
    replace(method, (event) => {
      if (Object.hasOwn(MOVED_SERVER_EVENTS, event)) fail(`event ${event} of the server`, MOVED_SERVER_EVENTS[event]!);
    });
  }

  function replace(name: string, assertOwn: (event: string) => void): void {
    const method = (prototype as Record<string, Function>)[name]!;
    const value = function (this: unknown, ...args: [string, ...unknown[]]): unknown {
      assertOwn(args[0]);
      return Reflect.apply(method, this, args);
    };
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  }
}
