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
export interface ResolvedClientOptions extends Required<Omit<ClientOptions, 'reconnect' | 'sessionStorage'>> {
  readonly reconnect: boolean;
  readonly sessionStorage: StorageLike | undefined;
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

/** What an option may be: of a type, an object with these methods, or a number from the first to the second. */
type Rule = 'string' | 'boolean' | 'function' | readonly string[] | readonly [least: number, most: number];
type Rules<Options> = { readonly [Name in keyof Required<Options>]: Rule };

const DELAY: Rule = [1, MAX_TIMER];
const TIMEOUT: Rule = [1, Infinity];

const RULES: Rules<ClientOptions> = {
  codec: ['encode', 'decode'],
  subProtocolName: 'string',
  requestTimeout: TIMEOUT,
  dialTimeout: DELAY,
  reconnect: 'boolean',
  sessionStorage: ['getItem', 'setItem', 'removeItem'],
  webSocket: 'function',
};

const RECONNECT_RULES: Rules<ReconnectOptions> = {
  minDelay: DELAY,
  maxDelay: DELAY,
  factor: [1, Infinity],
  jitter: [0, 1],
};

const OPERATION_RULES: Rules<OperationOptions> = {
  signal: ['addEventListener', 'removeEventListener'],
  timeout: TIMEOUT,
  deadline: ['getTime'],
};

/**
 * Checks options and fills in the defaults.
 * @throws InvalidOptionError naming the option, its value and what is allowed.
 */
export function resolveOptions(url: unknown, options: ClientOptions): ResolvedClientOptions {
  const { reconnect = true, sessionStorage = platformStorage() } = options;
  const { href, host, pathname } = resolveUrl(url);
  const defaults = {
    codec: plainCodec,
    subProtocolName: '',
    requestTimeout: 60_000,
    dialTimeout: 5_000,
    webSocket: platformWebSocket(),
  };
  const resolved = resolve(RULES, '', defaults, {
    ...options,
    reconnect: typeof reconnect === 'object' || reconnect,
    sessionStorage: sessionStorage || undefined,
  });
  if (!resolved.webSocket) {
    throw new InvalidOptionError("WebWire option webSocket is missing: pass WebSocket of the package 'ws'");
  }
  const delays = { minDelay: 250, maxDelay: 15_000, factor: 2, jitter: 1 };
  return {
    ...resolved,
    url: href,
    storageName: `webwire:${host}${pathname}`,
    backoff: resolve(RECONNECT_RULES, 'reconnect.', delays, typeof reconnect === 'object' ? reconnect : {}),
  } as ResolvedClientOptions;
}

/** @throws InvalidOptionError */
export function checkOperation(options: OperationOptions): OperationOptions {
  if (Number.isNaN(options.deadline?.getTime?.())) throw invalid('deadline', 'Invalid Date', 'a valid Date');
  return resolve(OPERATION_RULES, '', {}, options);
}

/** The defaults, and the options that are given: `undefined` counts as absent. */
function resolve<Options extends object, Defaults extends Options>(
  rules: Rules<Options>,
  where: string,
  defaults: Defaults,
  options: Options,
): Defaults & Options {
  const resolved: Record<string, unknown> = { ...(defaults as object) };
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(rules, name)) throw new InvalidOptionError(`WebWire has no option ${where}${name}`);
    if (value === undefined) continue;
    check(where + name, value, rules[name as keyof Options]);
    resolved[name] = value;
  }
  return resolved as Defaults & Options;
}

function check(option: string, value: unknown, rule: Rule): void {
  const [first, second] = rule;
  if (typeof rule === 'string') {
    if (typeof value !== rule) throw invalid(option, value, `a ${rule}`);
  } else if (typeof first === 'number') {
    const isWithin = typeof value === 'number' && value >= first && value <= (second as number);
    if (!isWithin) throw invalid(option, value, `${first} to ${second}`);
  } else if (
    !(rule as string[]).every((method) => typeof (value as Record<string, unknown> | null)?.[method] === 'function')
  ) {
    throw invalid(option, value, `an object with ${rule.join(', ')}`);
  }
}

function invalid(option: string, value: unknown, allowed: string): InvalidOptionError {
  const shown = typeof value === 'object' ? 'an object' : `"${String(value).slice(0, 64)}"`;
  return new InvalidOptionError(`WebWire option ${option} is ${shown}, but must be ${allowed}`);
}

function resolveUrl(url: unknown): URL {
  try {
    const resolved = absoluteUrl(String(url));
    resolved.protocol = resolved.protocol.replace('http', 'ws');
    resolved.hash = '';
    if (/^wss?:/.test(resolved.protocol)) return resolved;
  } catch {
    // It is none, as is said below.
  }
  // What follows a question mark may be a secret.
  throw invalid('url', String(url).split('?')[0], 'a WebSocket URL');
}
