export { WebwireModule } from './webwire.module.js';
export type { WebwireOptionsFactory } from './webwire.module-definition.js';
export { WebwireService } from './webwire.service.js';
export type { BroadcastOptions, SignalGroupOptions } from './signal-options.js';
export { WebwireAdapter } from './webwire.adapter.js';
export type { WebwireGatewayOverrides, WebwireModuleOptions } from './webwire-options.js';

export { InjectWebwireServer } from './decorators/inject-webwire-server.decorator.js';
export { UseHandshakeGuards } from './decorators/use-handshake-guards.decorator.js';
export { WebwireGateway } from './decorators/webwire-gateway.decorator.js';
export type { WebwireGatewayOptions } from './decorators/webwire-gateway-options.js';
export { WebwireMessage } from './decorators/webwire-message.decorator.js';
export { WebwireRequest } from './decorators/webwire-request.decorator.js';
export { WebwireSignal } from './decorators/webwire-signal.decorator.js';
export type { WebwireHandlerOptions } from './decorators/handler-options.js';
export type { NestLocator } from './handlers/nest-context.js';

export { WebwireConnection } from './server/connection.js';
export type { Cluster, ClusterNode, ClusterTarget } from './server/cluster.js';
export type { Carrier, CarrierListener, ConnectionRequest } from './server/carrier.js';
export type { DisconnectReason } from './server/disconnect-reason.js';
export { BufferOverflowError, RequestError } from './server/errors.js';
export { Handshake, HandshakeRefusal } from './server/handshake.js';
export { Message } from './server/message.js';
export { InvalidOptionError } from './server/option-rules.js';
export { jsonCodec, plainCodec, type PayloadCodec } from './server/payload-codec.js';
export type { Origins } from './server/origins.js';
export { WebwireServer, type Listener } from './server/server.js';
export type { WebwireServerEvents } from './server/server-events.js';
export type { ResolvedServerOptions, ServerOptions } from './server/server-options.js';

export type { Provided, SessionOptions } from './session-options.js';
export { FileSessionManager, type FileSessionManagerOptions } from './session/file-session-manager.js';
export { MemorySessionManager, type MemorySessionManagerOptions } from './session/memory-session-manager.js';
export { Session, type SessionRecord } from './session/session.js';
export { SessionError, type SessionErrorCode } from './session/session-error.js';
export type { JsonValue, SessionInfo } from './session/session-info.js';
export { RandomSessionKeyGenerator, SessionKeyGenerator } from './session/session-key-generator.js';
export { SessionManager, type SessionConnection } from './session/session-manager.js';
export type { PlaceRequest, PlaceResult, SessionClosing, SessionPlaces } from './session/session-places.js';

export type { ListenTarget, Transport } from './transport/transport.js';
export {
  MemoryTransport,
  type MemoryConnectOptions,
  type MemoryWebSocketConstructor,
} from './transport/memory/memory-transport.js';
export type { MemoryWebSocket } from './transport/memory/memory-web-socket.js';
export type {
  MemoryCloseEvent,
  MemoryErrorEvent,
  MemoryMessageEvent,
  MemoryWebSocketEvents,
} from './transport/memory/memory-web-socket-events.js';
export { WsTransport, type WsTransportOptions } from './transport/ws/ws-transport.js';

export { Payload, ProtocolError, type PayloadEncoding, type ProtocolErrorCode } from './protocol/index.js';
