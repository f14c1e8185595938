import type { ClientContract } from '../contract/define-contract.js';
import type { TraceContext } from '../protocol/extensions.js';
import { plainCodec, type PayloadCodec } from '../protocol/payload-codec.js';
import type { Delays, ReconnectOptions } from './backoff.js';
import {
  atLeastOne,
  checkOptions,
  invalidOption,
  MILLISECONDS,
  objectWith,
  rule,
  withDefaults,
  type ClientOptionRules,
} from './option-rules.js';
import { canSendHeaders, platformStorage, type StorageLike, type WebSocketConstructor } from './platform.js';
import { isHeaders, Target, type ClientUrl, type Fresh } from './target.js';
import type { ClientHeaders } from './url.js';

/** A message to which the option `trace` gives a trace context. */
export interface TracedMessage {
  readonly kind: 'request' | 'stream' | 'signal';
  readonly name: string;
}

/** The contract of a `WebwireClient`. */
export interface ContractOptions<Api> {
  /**
   * The contract of the server, made by `defineContract()` of `nestjs-webwire/contract`. It gives the client its types. Bodies
   * are JSON, and what arrives is validated.
   * @default none
   */
  contract?: ClientContract<Api> | undefined;
  /**
   * `false` does not validate what arrives: bodies are as the server sent them, without the transformations of schemas.
   * @default true
   */
  validate?: boolean | undefined;
}

/** Options of a `WebwireClient`. `undefined` means the default. */
export interface ClientOptions {
  /**
   * Headers of the upgrade request, such as `{ authorization: 'Bearer …' }`, or a function that returns them, also as a promise.
   * A function is called before each attempt to connect, within `dialTimeout`; if it fails, the attempt has failed. Values do not
   * appear in errors. In web pages the option is an error, because browsers send no headers with a WebSocket: put a token into the
   * URL, or send it in a request.
   * @default none
   */
  headers?: Fresh<ClientHeaders> | undefined;
  /**
   * Converts bodies to payloads, and received payloads to the `body` of replies and signals.
   * @default plainCodec: text is a string, binary is a `Uint8Array`; other values are sent as JSON. With a contract, JSON
   */
  codec?: PayloadCodec | undefined;
  /**
   * Name of the application protocol that the server has to announce (docs/PROTOCOL.md, section 4).
   * @default '' (none)
   */
  subProtocolName?: string | undefined;
  /**
   * Timeout of a request, in milliseconds: at least 1, also `Infinity`. It includes the wait for a connection. A request may
   * override it by its own `timeout` or `deadline`. The same timeout applies to signals that wait for a connection.
   * @default 60_000
   */
  requestTimeout?: number | undefined;
  /**
   * Timeout of an attempt to connect, until the server's first message, in milliseconds: at least 1. It includes the functions
   * `url` and `headers`. Restoring the session has a timeout of the same length.
   * @default 5_000
   */
  dialTimeout?: number | undefined;
  /**
   * If nothing was received for this time, in milliseconds, the client probes the server, and replaces the connection if nothing
   * at all arrives within `dialTimeout`: at least 1, also `Infinity`, which switches probes off. It needs the `extensions` of a
   * server with the extension `ping`. The client also probes when a request times out, and at events of a web page (`online`,
   * `pageshow` and others).
   * @default 30_000
   */
  livenessTimeout?: number | undefined;
  /**
   * Uses streams, cancellation and probes, if the server has them (docs/PROTOCOL.md, section 11). With `false`, the client sends
   * only messages of WebWire 2.0.
   * @default true
   */
  extensions?: boolean | undefined;
  /**
   * Returns the trace context of a message, which the handler gets as `message.trace`; `undefined` for a message without a trace.
   * It is called within `request()`, `stream()` and `signal()`, so that the active span is the one of the caller. If it throws, or
   * returns something else, the message is sent without a trace context, and the client emits the event `error`.
   *
   * The trace context is sent if the server has the extension `trace` (docs/PROTOCOL.md, section 11.5), and has said so before the
   * message leaves: the first messages of a connection may be sent without.
   * @default none
   */
  trace?: ((message: TracedMessage) => TraceContext | undefined) | undefined;
  /**
   * `true` reconnects when the connection is lost, and requests wait for the new connection. An object does the same with other
   * delays, which also apply to further attempts to restore a session. With `false`, requests without a connection fail.
   * @default true
   */
  reconnect?: boolean | ReconnectOptions | undefined;
  /**
   * Decides whether the client tries to connect again after a connection was lost or an attempt failed. It is called whenever the
   * client would try again, with the error, such as a `DisconnectedError` with the HTTP `status` 401, and the number of the next
   * attempt, which counts from 1 since the last stable connection. With `false`, operations that wait reject with the error, and
   * the client is `disconnected` until the next request or `connect()`. If it throws, the client emits the event `error` and tries
   * again.
   *
   * It is not called for errors after which the client never tries again: close codes from 4400 to 4499, and an
   * `IncompatibleProtocolVersionError`, `SubProtocolMismatchError` or `InvalidOptionError`.
   * @default tries again
   */
  retryOn?: ((error: Error, attempt: number) => boolean) | undefined;
  /**
   * Maximum number of requests and signals that wait for a connection: at least 1, also `Infinity`. Further ones fail with a
   * `QueueFullError`.
   * @default 1_000
   */
  maxQueuedRequests?: number | undefined;
  /**
   * Stores the session key, which is a secret, for the next page load or process. `false` stores it nowhere.
   * @default localStorage in web pages, otherwise none
   */
  sessionStorage?: StorageLike | false | undefined;
  /**
   * Makes pages with the same storage share one session: when another page creates or restores a session, this client
   * restores it, and when another page closes the session, this client closes it, too. While requests are in flight, one of
   * which may create a session, it waits for their replies first, at most `dialTimeout`. No effect outside of web pages.
   * @default true
   */
  syncTabs?: boolean | undefined;
  /**
   * The WebSocket constructor, for example `WebSocket` of the package `ws`, or the property `webSocket` of a `MemoryTransport`. Where
   * the platform has none, a client can be made without it, for example to render a page, but attempts to connect fail with an
   * `InvalidOptionError`.
   * @default the global `WebSocket`, which Node.js has since version 22
   */
  webSocket?: WebSocketConstructor | undefined;
}

/** Options without a default; that of `webSocket` is read for each attempt to connect. */
type Functions = Pick<ClientOptions, 'trace' | 'retryOn' | 'webSocket'>;

/** The option `onConnect` of a client with any contract. */
interface ConnectHook {
  onConnect?: ((client: never) => unknown) | undefined;
}

type WithDefaults = Required<Omit<ClientOptions, keyof Functions | 'headers'>>;

/** Options with their defaults filled in. */
export interface ResolvedClientOptions extends WithDefaults, Functions, ConnectHook, ContractOptions<unknown> {
  readonly reconnect: boolean;
  readonly target: Target;
  readonly backoff: Delays;
}

const BOOLEAN = rule('true or false', (value) => typeof value === 'boolean');
const FUNCTION = rule('a function', (value) => typeof value === 'function');
const STORAGE = objectWith('getItem', 'setItem', 'removeItem');

const CLIENT_RULES: ClientOptionRules<ClientOptions & ConnectHook & ContractOptions<unknown>> = {
  headers: {
    allowed: 'a function or an object of strings',
    accepts: (value) => FUNCTION.accepts(value) || isHeaders(value),
    isSecret: true,
  },
  codec: objectWith('encode', 'decode'),
  subProtocolName: rule('a string', (value) => typeof value === 'string'),
  requestTimeout: MILLISECONDS,
  dialTimeout: MILLISECONDS,
  livenessTimeout: MILLISECONDS,
  extensions: BOOLEAN,
  trace: FUNCTION,
  reconnect: rule(
    'true, false or an object of delays',
    (value) => BOOLEAN.accepts(value) || (typeof value === 'object' && value !== null),
  ),
  retryOn: FUNCTION,
  onConnect: FUNCTION,
  maxQueuedRequests: atLeastOne('a number'),
  sessionStorage: rule(`false or ${STORAGE.allowed}`, (value) => value === false || STORAGE.accepts(value)),
  syncTabs: BOOLEAN,
  webSocket: rule('a constructor', FUNCTION.accepts),
  contract: objectWith('~codec'),
  validate: BOOLEAN,
};

const RECONNECT_RULES: ClientOptionRules<ReconnectOptions> = {
  minDelay: MILLISECONDS,
  maxDelay: MILLISECONDS,
  factor: atLeastOne('a number'),
  jitter: rule('a number from 0 to 1', (value) => typeof value === 'number' && value >= 0 && value <= 1),
};

const DELAYS: Delays = { minDelay: 250, maxDelay: 15_000, factor: 2, jitter: 1 };

/**
 * Checks options and fills in the defaults.
 * @throws InvalidOptionError with the option, its value and the allowed values.
 */
export function resolveOptions(
  url: Fresh<ClientUrl>,
  options: ClientOptions & ConnectHook & ContractOptions<unknown>,
): ResolvedClientOptions {
  checkOptions(options, CLIENT_RULES);
  const { webSocket, headers, trace, retryOn, onConnect, contract, validate = true, ...others } = options;
  if (headers && !canSendHeaders(webSocket)) {
    throw invalidOption('headers', headers, 'left out: browsers send no headers with a WebSocket');
  }
  const resolved = withDefaults<WithDefaults>(others, {
    codec: contract?.['~codec'](plainCodec) ?? plainCodec,
    subProtocolName: '',
    requestTimeout: 60_000,
    dialTimeout: 5_000,
    livenessTimeout: 30_000,
    extensions: true,
    reconnect: true,
    maxQueuedRequests: 1_000,
    sessionStorage: platformStorage() ?? false,
    syncTabs: true,
  });
  const { reconnect } = resolved;
  const delays = typeof reconnect === 'object' ? reconnect : {};
  checkOptions(delays, RECONNECT_RULES, 'reconnect.');
  return {
    ...resolved,
    trace,
    retryOn,
    webSocket,
    onConnect,
    contract: validate ? contract : undefined,
    reconnect: reconnect !== false,
    target: new Target(url, headers),
    backoff: withDefaults(delays, DELAYS),
  };
}
