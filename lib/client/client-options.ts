import { plainCodec, type PayloadCodec } from '../protocol/payload-codec.js';
import type { ReconnectOptions } from './backoff.js';
import { InvalidOptionError } from './errors.js';
import {
  absoluteUrl,
  platformStorage,
  platformWebSocket,
  type StorageLike,
  type Url,
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
   * How long a request waits for its reply, and for a connection first if need be, in milliseconds: at least
   * 1, also `Infinity`. Each request may have a `timeout` or `deadline` of its own. Signals wait as long for a connection.
   * @default 60_000
   */
  requestTimeout?: number;
  /**
   * How long connecting may take, from dialing to the server's first message, in milliseconds: at
   * least 1. Restoring the session may take as long again.
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
  readonly sessionStorage: StorageLike;
  readonly url: string;
  /** Where the storage keeps the session key: each server has its own. */
  readonly storageName: string;
  readonly backoff: Required<ReconnectOptions>;
}

const DELAYS: Required<ReconnectOptions> = { minDelay: 250, maxDelay: 15_000, factor: 2, jitter: 1 };

/** What a storage has to be like: see `resolve()`. Using this one fails, as other storages may, without harm. */
const NO_STORAGE = { getItem: 0, setItem: 0, removeItem: 0 } as unknown as StorageLike;

/**
 * Checks options and fills in the defaults.
 * @throws InvalidOptionError naming the option, its value and what is allowed.
 */
export function resolveOptions(url: unknown, options: ClientOptions): ResolvedClientOptions {
  const { reconnect, sessionStorage = platformStorage() } = options;
  const webSocket = options.webSocket ?? platformWebSocket();
  if (!webSocket) throw invalid('webSocket', webSocket, "a constructor: pass WebSocket of 'ws'");
  const { href, host, pathname } = resolveUrl(url);
  const hasDelays = typeof reconnect === 'object';
  const defaults = {
    codec: plainCodec,
    subProtocolName: '',
    requestTimeout: 60_000,
    dialTimeout: 5_000,
    reconnect: true,
    sessionStorage: NO_STORAGE,
    webSocket: Object as unknown as WebSocketConstructor,
  };
  return {
    ...resolve(defaults, {
      ...options,
      reconnect: hasDelays || reconnect,
      sessionStorage: sessionStorage || undefined,
      webSocket,
    }),
    url: href,
    storageName: `webwire:${host}${pathname}`,
    backoff: resolve(DELAYS, { ...(hasDelays && reconnect) }, 'reconnect.'),
  };
}

/**
 * The defaults, and the options that are given; `undefined` counts as absent. An option has to be of the type of its default,
 * with all its methods; a number at least 1, or from 0 to 1 where it says which part of something.
 * @param where What precedes the names of the options in messages.
 * @throws InvalidOptionError
 */
export function resolve<Options extends object>(defaults: Options, options: Partial<Options>, where = ''): Options {
  const resolved = { ...defaults };
  for (const name of Object.keys(options) as (keyof Options & string)[]) {
    const [value, model] = [options[name], defaults[name]];
    if (!Object.hasOwn(defaults, name)) throw invalid(where + name, value, `left out: there are ${list(defaults)}`);
    if (value === undefined) continue;
    const isNumber = typeof model === 'number';
    const [least, most] = name === 'jitter' ? ([0, 1] as const) : ([1, Infinity] as const);
    const methods = Object.keys(model as object);
    const isAllowed = isNumber
      ? (value as number) >= least && (value as number) <= most
      : methods.every((method) => typeof (value as Record<string, unknown> | null)?.[method] === 'function');
    if (typeof value !== typeof model || !isAllowed) {
      const detail = isNumber ? ` from ${least} to ${most}` : methods.length > 0 ? ` with ${list(model)}` : '';
      throw invalid(where + name, value, `of type ${typeof model}${detail}`);
    }
    resolved[name] = value;
  }
  return resolved;
}

/** The names of the properties of an object. */
function list(object: unknown): string {
  return Object.keys(object as object).join(', ');
}

export function invalid(option: string, value: unknown, allowed: string): InvalidOptionError {
  const shown = typeof value === 'object' ? 'object' : (value as string);
  return new InvalidOptionError(`WebWire option ${option} is "${shown}", but must be ${allowed}`);
}

function resolveUrl(url: unknown): Url {
  try {
    const resolved = absoluteUrl(String(url));
    if (/^(ws|http)s?:/.test(resolved.href)) return resolved;
  } catch {
    // It is none, as is said below.
  }
  // What follows a question mark may be a secret.
  throw invalid('url', String(url).split('?')[0], 'a WebSocket URL');
}
