export { WebwireClient, type ConnectOptions, type WebwireClientOptions } from './client.js';
export type { ClientOptions, ContractOptions, TracedMessage } from './client-options.js';
export { ContractError } from '../contract/contract-error.js';
export type { ReconnectOptions } from './backoff.js';
export type { OperationOptions } from './operation.js';
export type { ClientEvents, SessionClosedReason } from './client-events.js';
export type { ClientSession, ClientSessionInfo } from './client-session.js';
export type { ClientStatus } from './connector.js';
export type {
  AnyContract,
  Contract,
  Reply,
  RequestArguments,
  RequestName,
  ServerSignalName,
  SignalArguments,
  SignalName,
  SignalPayload,
  StreamArguments,
  StreamItem,
  StreamName,
} from './contract.js';
export type { ClientUrl, Fresh } from './target.js';
export type { ClientHeaders } from './url.js';
export type { SignalsOptions } from './signal-queue.js';
export type { ClientSnapshot } from './snapshot.js';
export type { StreamOptions } from './streams.js';
export type { ReceivedPayload } from './received-payload.js';
export type { AbortSignalLike, StorageLike, WebSocketConstructor, WebSocketLike } from './platform.js';

export {
  BufferOverflowError,
  CanceledError,
  DeadlineExceededError,
  DialTimeoutError,
  DisconnectedError,
  IncompatibleProtocolVersionError,
  InternalServerError,
  InvalidOptionError,
  isTimeout,
  MaxSessionConnectionsReachedError,
  ProtocolError,
  QueueFullError,
  RequestError,
  ServerShutdownError,
  SessionNotFoundError,
  SessionsDisabledError,
  SubProtocolMismatchError,
  TimeoutError,
} from './errors.js';

export {
  Payload,
  type PayloadEncoding,
  type ProtocolErrorCloseCode,
  type ProtocolErrorCode,
} from '../protocol/index.js';
export type { TraceContext } from '../protocol/extensions.js';
export { jsonCodec, plainCodec, type PayloadCodec } from '../protocol/payload-codec.js';
