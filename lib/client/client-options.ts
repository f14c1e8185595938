import { plainCodec, type PayloadCodec } from '../protocol/payload-codec.js';
import type { Delays, ReconnectOptions } from './backoff.js';
import {
  atLeastOne,
  checkOptions,
  invalidOption,
  MILLISECONDS,
  objectWith,
  rule,
  type OptionRules,
} from './option-rules.js';
import { platformStorage, platformWebSocket, type StorageLike, type WebSocketConstructor } from './platform.js';
import { parseServerUrl, type ServerUrl } from './url.js';

/** Options of a `WebwireClient`. `undefined` counts as absent. */
export interface ClientOptions {
  /**
   * Makes payloads of bodies, and of payloads the `body` of replies and signals.
   * @default plainCodec: text as a string, bytes as they are; other bodies are sent as JSON
   */
  codec?: PayloadCodec | undefined;
  /**
   * Name of the application protocol that the server has to announce (PROTOCOL.md, section 4).
   * @default '' (none)
   */
  subProtocolName?: string | undefined;
  /**
   * How long a request waits for its reply, and for a connection first if need be, in milliseconds: at least
   * 1, also `Infinity`. Each request may have a `timeout` or `deadline` of its own. Signals wait as long for a connection.
   * @default 60_000
   */
  requestTimeout?: number | undefined;
  /**
   * How long connecting may take, from dialing to the server's first message, in milliseconds: at
   * least 1. Restoring the session may take as long again.
   * @default 5_000
   */
  dialTimeout?: number | undefined;
  /**
   * Whether a lost connection is replaced, and after which delays. With `false`, requests fail while there is no
   * connection; else they wait for it. Restoring a session that the server refused for now is repeated after the same delays.
   * @default true
   */
  reconnect?: boolean | ReconnectOptions | undefined;
  /**
   * How many requests and signals may wait for a connection: at least 1, also `Infinity`. Further ones fail with a
   * `QueueFullError`.
   * @default 1_000
   */
  maxQueuedRequests?: number | undefined;
  /**
   * Keeps the key of the session, for the next page load or process: a secret. `false` for none.
   * @default localStorage in web pages, none elsewhere
   */
  sessionStorage?: StorageLike | false | undefined;
  /**
   * Whether a web page follows the other pages that share its storage: when one of them signs in, this client takes over the
   * session, and when one of them closes the session, this client closes it, too. It has no effect outside of web pages.
   * @default true
   */
  syncTabs?: boolean | undefined;
  /**
   * Makes WebSockets: `WebSocket` of the package `ws`, the `webSocket` of a `MemoryTransport`.
   * @default the platform's own; Node.js has one from version 22 on
   */
  webSocket?: WebSocketConstructor | undefined;
}

/** Options after validation. */
export interface ResolvedClientOptions {
  readonly codec: PayloadCodec;
  readonly subProtocolName: string;
  readonly requestTimeout: number;
  readonly dialTimeout: number;
  readonly reconnect: boolean;
  readonly maxQueuedRequests: number;
  readonly sessionStorage: StorageLike | undefined;
  readonly syncTabs: boolean;
  readonly webSocket: WebSocketConstructor;
  readonly url: ServerUrl;
  /** Name under which the storage keeps the session key: each server has its own. */
  readonly storageName: string;
  readonly backoff: Delays;
}

const FUNCTION = rule('a constructor', (value) => typeof value === 'function');
const BOOLEAN = rule('true or false', (value) => typeof value === 'boolean');
const STORAGE = objectWith('getItem', 'setItem', 'removeItem');

const CLIENT_RULES: OptionRules<ClientOptions> = {
  codec: objectWith('encode', 'decode'),
  subProtocolName: rule('a string', (value) => typeof value === 'string'),
  requestTimeout: MILLISECONDS,
  dialTimeout: MILLISECONDS,
  reconnect: rule('true, false or an object of delays', (value) => BOOLEAN.accepts(value) || isObject(value)),
  maxQueuedRequests: atLeastOne('a number'),
  sessionStorage: rule(`false or ${STORAGE.allowed}`, (value) => value === false || STORAGE.accepts(value)),
  syncTabs: BOOLEAN,
  webSocket: FUNCTION,
};

const RECONNECT_RULES: OptionRules<ReconnectOptions> = {
  minDelay: MILLISECONDS,
  maxDelay: MILLISECONDS,
  factor: atLeastOne('a number'),
  jitter: rule('a number from 0 to 1', (value) => typeof value === 'number' && value >= 0 && value <= 1),
};

/**
 * Checks options and fills in the defaults.
 * @throws InvalidOptionError naming the option, its value and what is allowed.
 */
export function resolveOptions(url: unknown, options: ClientOptions): ResolvedClientOptions {
  checkOptions(options, CLIENT_RULES);
  const { reconnect = true, sessionStorage = platformStorage(), webSocket = platformWebSocket() } = options;
  if (!webSocket) throw invalidOption('webSocket', webSocket, "a constructor: pass WebSocket of 'ws'");
  const delays = typeof reconnect === 'object' ? reconnect : {};
  checkOptions(delays, RECONNECT_RULES, 'reconnect.');
  const serverUrl = parseServerUrl(url);
  return {
    codec: options.codec ?? plainCodec,
    subProtocolName: options.subProtocolName ?? '',
    requestTimeout: options.requestTimeout ?? 60_000,
    dialTimeout: options.dialTimeout ?? 5_000,
    reconnect: reconnect !== false,
    maxQueuedRequests: options.maxQueuedRequests ?? 1_000,
    sessionStorage: sessionStorage || undefined,
    syncTabs: options.syncTabs ?? true,
    webSocket,
    url: serverUrl,
    storageName: `webwire:${serverUrl.host}${serverUrl.path}`,
    backoff: {
      minDelay: delays.minDelay ?? 250,
      maxDelay: delays.maxDelay ?? 15_000,
      factor: delays.factor ?? 2,
      jitter: delays.jitter ?? 1,
    },
  };
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
