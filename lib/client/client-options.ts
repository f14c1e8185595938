import { encodePlain, type PayloadCodec } from '../protocol/payload-codec.js';
import type { ReconnectOptions } from './backoff.js';
import { InvalidOptionError } from './errors.js';
import type { OperationOptions } from './operation.js';
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
export interface ResolvedClientOptions extends Required<ClientOptions> {
  readonly url: string;
  /** Where the storage keeps the session key: each server has its own. */
  readonly storageName: string;
  readonly backoff: Required<ReconnectOptions>;
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

/** What an option may be, in words and for the program. */
type Rule = readonly [allowed: string, accepts: (value: unknown) => boolean];
type Rules<Options> = { readonly [Name in keyof Required<Options>]: Rule };

const DELAY = between(1, MAX_TIMER, ' milliseconds');
const TIMEOUT: Rule = [`${DELAY[0]}, or Infinity`, (value) => value === Infinity || DELAY[1](value)];

const RULES: Rules<ClientOptions> = {
  codec: ['a PayloadCodec', has('encode', 'decode')],
  subProtocolName: ['a string', (value) => typeof value === 'string'],
  requestTimeout: TIMEOUT,
  dialTimeout: DELAY,
  reconnect: ['a boolean or an object', (value) => typeof value === 'boolean' || isObject(value)],
  sessionStorage: ['a Storage, or false', (value) => value === false || has('getItem', 'setItem', 'removeItem')(value)],
  webSocket: ["a constructor such as WebSocket of the package 'ws'", (value) => typeof value === 'function'],
};

const RECONNECT_RULES: Rules<ReconnectOptions> = {
  minDelay: DELAY,
  maxDelay: DELAY,
  factor: between(1, Infinity),
  jitter: between(0, 1),
};

const OPERATION_RULES: Rules<OperationOptions> = {
  signal: ['an AbortSignal', has('addEventListener', 'removeEventListener')],
  timeout: TIMEOUT,
  deadline: ['a valid Date', (value) => value instanceof Date && value.getTime() === value.getTime()],
};

/**
 * Checks options and fills in the defaults.
 * @throws InvalidOptionError naming the option, its value and what is allowed.
 */
export function resolveOptions(url: unknown, options: ClientOptions): ResolvedClientOptions {
  const defaults: Required<ClientOptions> = {
    codec: plainCodec,
    subProtocolName: '',
    requestTimeout: 60_000,
    dialTimeout: 5_000,
    reconnect: true,
    sessionStorage: platformStorage() ?? false,
    webSocket: platformWebSocket()!,
  };
  const resolved = resolve(RULES, options, defaults);
  check('webSocket', resolved.webSocket, RULES.webSocket);
  const delays = isObject(resolved.reconnect) ? resolved.reconnect : {};
  const backoff = { minDelay: 250, maxDelay: 15_000, factor: 2, jitter: 1 };
  const { href, host, pathname } = resolveUrl(url);
  return {
    ...resolved,
    url: href,
    storageName: `webwire:${host}${pathname}`,
    backoff: resolve(RECONNECT_RULES, delays, backoff, 'reconnect.'),
  };
}

/** @throws InvalidOptionError */
export function checkOperation(options: OperationOptions): OperationOptions {
  return resolve<OperationOptions, OperationOptions>(OPERATION_RULES, options, {});
}

/** The defaults, and the options that are given: `undefined` counts as absent. */
function resolve<Options extends object, Defaults extends Options>(
  rules: Rules<Options>,
  options: Options,
  defaults: Defaults,
  where = '',
): Defaults {
  const resolved: object & Record<string, unknown> = { ...(defaults as object) };
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) throw new InvalidOptionError(`WebWire has no option ${where}${name}`);
    if (value === undefined) continue;
    check(where + name, value, rules[name as keyof Options]);
    resolved[name] = value;
  }
  return resolved as Defaults;
}

function check(option: string, value: unknown, [allowed, accepts]: Rule): void {
  if (accepts(value)) return;
  const shown = isObject(value) ? 'an object' : `"${String(value).slice(0, 64)}"`;
  throw new InvalidOptionError(`WebWire option ${option} is ${shown}, but must be ${allowed}`);
}

function resolveUrl(url: unknown): URL {
  let resolved: URL | undefined;
  try {
    resolved = absoluteUrl(String(url));
    resolved.protocol = resolved.protocol.replace('http', 'ws');
    resolved.hash = '';
  } catch {
    // It is none, as is said below.
  }
  // What follows a question mark may be a secret.
  check('url', String(url).split('?')[0], ['a WebSocket URL', () => /^wss?:/.test(resolved?.protocol ?? '')]);
  return resolved!;
}

function between(least: number, most: number, unit = ''): Rule {
  return [`${least} to ${most}${unit}`, (value) => typeof value === 'number' && value >= least && value <= most];
}

function has(...methods: string[]): (value: unknown) => boolean {
  return (value) => isObject(value) && methods.every((name) => typeof value[name] === 'function');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
