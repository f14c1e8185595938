export { WebwireModule } from './nest/webwire.module.js';
export type { WebwireOptionsFactory } from './nest/webwire.module-definition.js';
export { WebwireService, type WebwireServiceEvents } from './nest/webwire.service.js';
export type { BroadcastOptions, SignalGroupOptions } from './nest/options/send-options.js';
export { WebwireAdapter } from './nest/webwire.adapter.js';
export type { WebwireGatewayOverrides, WebwireModuleOptions } from './nest/options/module-options.js';

export { InjectWebwireServer } from './nest/decorators/inject-webwire-server.decorator.js';
export { UseHandshakeGuards } from './nest/decorators/use-handshake-guards.decorator.js';
export { WebwireGateway } from './nest/decorators/webwire-gateway.decorator.js';
export type { WebwireGatewayOptions } from './nest/options/gateway-options.js';
export { WebwireEmits } from './nest/decorators/webwire-emits.decorator.js';
export { WebwireMessage } from './nest/decorators/webwire-message.decorator.js';
export { WebwireRequest } from './nest/decorators/webwire-request.decorator.js';
export { WebwireSignal } from './nest/decorators/webwire-signal.decorator.js';
export { WebwireStream } from './nest/decorators/webwire-stream.decorator.js';
export type {
  WebwireHandlerOptions,
  WebwireRequestOptions,
  WebwireSignalOptions,
  WebwireStreamOptions,
} from './nest/options/handler-options.js';
export type {
  DescribedType,
  JsonSchema,
  RequestDescription,
  SignalDescription,
  StreamDescription,
} from './nest/options/handler-description.js';
export type { NestLocator } from './nest/handlers/nest-context.js';

export type { CloseOptions } from './server/close-options.js';
export { WebwireConnection } from './server/connection.js';
export {
  ClusterUnavailableError,
  type Cluster,
  type ClusterHealth,
  type ClusterNode,
  type ClusterPresence,
  type ClusterTarget,
} from './server/ports/cluster.js';
export type { GroupChange, GroupCount, GroupEntry, GroupMember, GroupMemberEvent } from './server/group-member.js';
export type { JoinOptions } from './server/join-options.js';
export type { TransportConnection, TransportHandlers, ConnectionRequest } from './server/ports/transport-connection.js';
export type { DisconnectReason } from './server/disconnect-reason.js';
export { BufferOverflowError, RequestError } from './protocol/errors.js';
export { Handshake, HandshakeRejection } from './server/handshake.js';
export { Message } from './server/message.js';
export type { MessageTracing } from './server/message-tracing.js';
export type { MessageOutcome } from './server/tracing/outcome.js';
export type { TraceContext } from './protocol/extensions.js';
export { InvalidOptionError } from './common/options.js';
export type { ServerLogger } from './common/logger.js';
export { jsonCodec, plainCodec, type PayloadCodec } from './protocol/payload-codec.js';
export type { Origins } from './server/origins.js';
export type { RateLimit } from './server/rate-limit.js';
export type { TrustProxy } from './server/addresses/trust-proxy.js';
export { WebwireServer, type Listener } from './server/server.js';
export type { WebwireServerEvents } from './server/server-events.js';
export type { ResolvedServerOptions, ServerOptions } from './server/server-options.js';

export type { ProviderOf, SessionOptions } from './nest/options/session-options.js';
export { FileSessionManager, type FileSessionManagerOptions } from './session/stores/file/file-session-manager.js';
export { MemorySessionManager, type MemorySessionManagerOptions } from './session/stores/memory-session-manager.js';
export { Session, type SessionRecord } from './session/session.js';
export { SessionError, type SessionErrorCode } from './session/session-error.js';
export type { JsonValue, SessionInfo } from './session/session-info.js';
export { RandomSessionKeyGenerator, SessionKeyGenerator } from './session/session-key-generator.js';
export { SessionManager, type SessionConnection } from './session/session-manager.js';
export type {
  MembershipRequest,
  MembershipResult,
  SessionClosing,
  SessionMembership,
} from './session/session-membership.js';

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
