import { encodePlain, type PayloadCodec } from '../protocol/payload-codec.js';
import type { ReconnectOptions } from './backoff.js';
import { InvalidOptionError } from './errors.js';
import {
  absoluteUrl,
  MAX_TIMER,
  platformStorage,
  platformWebSocket,
  type StorageLike,
  type WebSocketConstructor,
} from './platform.js';

/** Options of a `WebwireClient`. */
export interface ClientOptions {
  /**
   * Makes payloads of bodies, and of payloads the `body` of replies and signals.
   * @default plainCodec: text as a string, bytes as they are; other bodies are sent as JSON
   */
  codec?: PayloadCodec;
  /**
   * Name of the application protocol that the server has to announce (PROTOCOL.md, section 4).
   * @default '' (none)
   */
  subProtocolName?: string;
  /**
   * How long a request waits for its reply, and for a connection first if need be, in milliseconds: 1 to 2 147 483 647, or
   * `Infinity`. Each request may have a `timeout` or `deadline` of its own. Signals wait as long for a connection.
   * @default 60_000
   */
  requestTimeout?: number;
  /**
   * How long connecting may take, from dialing to the server's first message, in milliseconds: 1 to 2 147 483 647.
   * Restoring the session may take as long again.
   * @default 5_000
   */
  dialTimeout?: number;
  /**
   * Whether a lost connection is replaced, and after which delays. With `false`, requests fail while there is no
   * connection; else they wait for it.
   * @default true
   */
  reconnect?: boolean | ReconnectOptions;
  /**
   * Keeps the key of the session, for the next page load or process: a secret. `false` for none.
   * @default localStorage in web pages, none elsewhere
   */
  sessionStorage?: StorageLike | false;
  /**
   * Makes WebSockets: `WebSocket` of the package `ws`, the `webSocket` of a `MemoryTransport`.
   * @default the platform's own; Node has one from version 22 on
   */
  webSocket?: WebSocketConstructor;
}

/** Options after validation. */
export interface ResolvedClientOptions {
  readonly url: string;
  /** Where the storage keeps the session key: each server has its own. */
  readonly storageName: string;
  readonly codec: PayloadCodec;
  readonly subProtocolName: string;
  readonly requestTimeout: number;
  readonly dialTimeout: number;
  readonly reconnects: boolean;
  readonly backoff: Readonly<Required<ReconnectOptions>>;
  readonly sessionStorage: StorageLike | undefined;
  readonly webSocket: WebSocketConstructor;
}

/** Text as a string, bytes as they are; other bodies are sent as JSON. */
export const plainCodec: PayloadCodec = {
  decode: (payload) => (payload.encoding === 'binary' ? payload.bytes : payload.text()),
  encode: encodePlain,
};

/**
 * Parses text as JSON (an empty one is `undefined`), all else as by default. A string is sent as it is: for a JSON
 * string pass `Payload.json('…')`.
 */
export const jsonCodec: PayloadCodec = {
  decode(payload) {
    if (payload.bytes.length === 0) return undefined;
    return payload.encoding === 'binary' ? payload.bytes : payload.json();
  },
  encode: encodePlain,
};

const NAMES = [
  'codec',
  'subProtocolName',
  'requestTimeout',
  'dialTimeout',
  'reconnect',
  'sessionStorage',
  'webSocket',
] satisfies (keyof ClientOptions)[];

const DELAYS = { minDelay: 250, maxDelay: 15_000, factor: 2, jitter: 1 } satisfies ReconnectOptions;

/**
 * Checks options and fills in the defaults.
 * @throws InvalidOptionError naming the option, its value and what is allowed.
 */
export function resolveOptions(url: unknown, options: ClientOptions = {}): ResolvedClientOptions {
  const { href, origin, pathname } = resolveUrl(url);
  refuseUnknown('', options, NAMES);
  const { codec = plainCodec, subProtocolName = '', requestTimeout = 60_000, dialTimeout = 5_000 } = options;
  const { reconnect = true, sessionStorage = platformStorage(), webSocket = platformWebSocket() } = options;
  check('codec', codec, hasMethods(codec, 'encode', 'decode'), 'an object with the functions encode and decode');
  check('subProtocolName', subProtocolName, typeof subProtocolName === 'string', 'a string');
  checkTimeout('requestTimeout', requestTimeout);
  check('dialTimeout', dialTimeout, isBetween(dialTimeout, 1, MAX_TIMER), `1 to ${MAX_TIMER} (milliseconds)`);
  check(
    'sessionStorage',
    sessionStorage,
    !sessionStorage || hasMethods(sessionStorage, 'getItem', 'setItem', 'removeItem'),
    'false or an object with the functions getItem, setItem and removeItem',
  );
  check(
    'webSocket',
    webSocket,
    typeof webSocket === 'function',
    "a WebSocket constructor: this platform has none of its own, so pass WebSocket of the package 'ws'",
  );
  return Object.freeze({
    url: href,
    storageName: `webwire:${origin === 'null' ? '' : origin}${pathname}`,
    codec,
    subProtocolName,
    requestTimeout,
    dialTimeout,
    reconnects: reconnect !== false,
    backoff: resolveDelays(reconnect),
    sessionStorage: sessionStorage || undefined,
    webSocket: webSocket!,
  });
}

/** @throws InvalidOptionError */
export function checkTimeout(option: string, value: unknown): void {
  const isAllowed = value === Infinity || isBetween(value, 1, MAX_TIMER);
  check(option, value, isAllowed, `1 to ${MAX_TIMER} (milliseconds), or Infinity`);
}

/** @throws InvalidOptionError */
export function check(option: string, value: unknown, isAllowed: boolean, allowed: string): void {
  if (!isAllowed) throw new InvalidOptionError(`WebWire option ${option} is ${show(value)}, but must be ${allowed}`);
}

function resolveUrl(url: unknown): URL {
  const text = typeof url === 'object' && url !== null && 'href' in url ? url.href : url;
  let parsed: URL | undefined;
  try {
    if (typeof text === 'string') parsed = absoluteUrl(text.replace(/^http/i, 'ws'));
  } catch {
    // It is none, as said below.
  }
  // What follows a question mark may be a secret.
  const shown = typeof text === 'string' ? text.replace(/\?.*/s, '?…') : text;
  const scheme = parsed?.protocol.replace(/^http/, 'ws');
  const isAllowed = (scheme === 'ws:' || scheme === 'wss:') && !parsed!.hash;
  check('url', shown, isAllowed, 'a URL with the scheme ws or wss, and without a fragment');
  if (parsed!.protocol !== scheme) parsed = new URL(parsed!.href.replace(/^http/, 'ws'));
  return parsed!;
}

function resolveDelays(reconnect: boolean | ReconnectOptions): Required<ReconnectOptions> {
  if (typeof reconnect === 'boolean') return DELAYS;
  refuseUnknown('reconnect.', reconnect, Object.keys(DELAYS));
  const { minDelay, factor, jitter } = { ...DELAYS, ...defined(reconnect) };
  const { maxDelay = Math.max(DELAYS.maxDelay, minDelay) } = reconnect;
  check('reconnect.minDelay', minDelay, isBetween(minDelay, 1, MAX_TIMER), `1 to ${MAX_TIMER} (milliseconds)`);
  const isCap = isBetween(maxDelay, minDelay, MAX_TIMER);
  check('reconnect.maxDelay', maxDelay, isCap, `minDelay to ${MAX_TIMER} (milliseconds)`);
  check('reconnect.factor', factor, isBetween(factor, 1, Number.MAX_VALUE), 'a number of at least 1');
  const isPart = typeof jitter === 'boolean' || isBetween(jitter, 0, 1);
  check('reconnect.jitter', jitter, isPart, 'a number from 0 to 1, or a boolean');
  return { minDelay, maxDelay, factor, jitter };
}

function refuseUnknown(where: string, options: object, names: readonly string[]): void {
  const isObject = typeof options === 'object' && options !== null && !Array.isArray(options);
  check(where ? where.slice(0, -1) : 'object', options, isObject, where ? 'a boolean or an object' : 'an object');
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) {
      throw new InvalidOptionError(`WebWire has no option ${where}${name}; there are: ${names.join(', ')}`);
    }
  }
}

function defined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function hasMethods(value: unknown, ...names: string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

function isBetween(value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && value >= least && value <= most;
}

function show(value: unknown): string {
  if (typeof value === 'string') return `"${value.slice(0, 64)}"`;
  return typeof value === 'object' && value !== null ? 'an object' : String(value).slice(0, 64);
}
