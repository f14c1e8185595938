import {
  DEFAULT_MESSAGE_BUFFER_SIZE,
  DEFAULT_READ_TIMEOUT,
  MAX_UINT32,
  MIN_MESSAGE_BUFFER_SIZE,
} from '../protocol/index.js';
import type { PayloadCodec } from '../protocol/payload-codec.js';
import {
  check,
  countOrInfinity,
  integerBetween,
  stringThat,
  type OptionRule,
  type OptionRules,
} from '../common/options.js';
import { TIMER_MAX } from '../common/timeout.js';
import { TRUST_PROXY_RULE, type TrustProxy } from './addresses/trust-proxy.js';
import { ORIGINS_RULE, type Origins } from './origins.js';
import { RATE_LIMIT_RULE, resolveRateLimit, type RateLimit } from './rate-limit.js';
import { WEB_SOCKET_PROTOCOLS_RULE } from './web-socket-protocols.js';

/** Options of one WebWire server. */
export interface ServerOptions {
  /**
   * Time without received data after which a connection is closed with code 1001, in milliseconds: 1 to 4 294 967 295. It is
   * sent to clients, which send heartbeats accordingly (docs/PROTOCOL.md, sections 4 and 7). All data counts, including
   * pings, pongs and parts of messages. The connection is closed at most an eighth of this time late. After half of the
   * time, the server sends a ping.
   * @default 60_000
   */
  readTimeout?: number;
  /**
   * Largest message in both directions, in bytes: 32 to 4 294 967 295. A client that sends a larger one is disconnected with
   * code 1009; a larger signal throws `BufferOverflowError`; a larger reply becomes a ReplyError `REPLY_TOO_LARGE`. The
   * Go client requires the size of its own buffer, which is 8 192 by default.
   * @default 8_192
   */
  messageBufferSize?: number;
  /**
   * Name of the application protocol. It is sent to clients, which close the connection if they expect another name
   * (docs/PROTOCOL.md, section 4). At most `messageBufferSize` − 11 bytes.
   * @default '' (none)
   */
  subProtocolName?: string;
  /**
   * Most handlers that run at once for one connection: at least 1. At the limit, further messages of the client wait in
   * order. The connection is not read while 64 messages wait, or 16 times `messageBufferSize` bytes; that of a client with
   * extensions is read longer (docs/PROTOCOL.md, section 11.6). Streams do not count.
   * Handshake guards can set another limit for a connection.
   * @default Infinity
   */
  concurrencyLimit?: number;
  /**
   * Most connections of the server at once, including handshakes under way: at least 1. Further upgrades get 503.
   * @default Infinity
   */
  maxConnections?: number;
  /**
   * Most connections of one client address (`connection.ip`) at once, including handshakes under way: at least 1. Further
   * upgrades get 429. The IPv6 addresses with the same first 64 bits count as one, as each customer of a provider has at least
   * that many. Clients without an address are not limited. In a cluster, each
   * node counts its own connections. Behind a proxy, set `trustProxy` as well: otherwise all clients
   * have the address of the proxy.
   * @default Infinity
   */
  maxConnectionsPerAddress?: number;
  /**
   * Most streams that are open at once on one connection: at least 1. Further ones get a ReplyError `TOO_MANY_STREAMS`.
   * @default 64
   */
  maxStreams?: number;
  /**
   * Messages of one connection per window: requests (also those that open streams), signals and session requests. After a pause,
   * `burst` messages may come at once. A request beyond the limit gets a ReplyError `TOO_MANY_REQUESTS`, whose message says
   * how many milliseconds to wait; a signal is dropped. The server emits the event `limit` for both. A client that goes on
   * regardless is closed with code 1008 (docs/PROTOCOL.md, section 10). `false` for no limit.
   * @default false
   */
  rateLimit?: RateLimit | false;
  /**
   * Offers streams, cancellation and probes to clients that ask for them (docs/PROTOCOL.md, section 11). With `false`, a client
   * that asks gets a ReplyError `NOT_FOUND`, and streams cannot be opened.
   * @default true
   */
  extensions?: boolean;
  /**
   * Bytes that may wait to be written to a client: 0 to 2^53 − 1. While more wait, the server starts no handlers for the
   * client and does not read from it, until all of them have been written. A client is disconnected with code 1013 when
   * that many bytes of signals wait for it, or when it takes none of the waiting bytes for `readTimeout`.
   * @default 1_048_576
   */
  maxBufferedAmount?: number;
  /**
   * Accepted values of the header `Origin`; others get 403. Clients without the header, which are never browsers, are
   * accepted unless a function rejects them.
   * @default any
   */
  origins?: Origins;
  /**
   * Proxies in front of the server whose headers `X-Forwarded-For`, or `Forwarded` (RFC 7239) without it, give
   * `connection.ip`: a value of Express's setting `trust proxy`. `true` believes every report, also one that the client has
   * made up; rather give the number of your proxies, or their addresses. Each proxy has to append to the header, or to replace it.
   * One that writes `Forwarded` alone has to remove `X-Forwarded-For`. Reports beyond 32 proxies are not read.
   * @default false: `connection.ip` is the address of the peer
   */
  trustProxy?: TrustProxy;
  /**
   * Time that a handshake may take, handshake guards included, in milliseconds: 1 to 2 147 483 647. Afterwards the upgrade
   * gets 503. On a port of its own it also limits the TLS handshake and the arrival of the HTTP request.
   * @default 10_000
   */
  handshakeTimeout?: number;
  /**
   * Path at which upgrades are accepted. At other paths they get 404, or are left to other listeners for upgrades on the
   * same HTTP server.
   * @default '/'
   */
  path?: string;
  /**
   * WebSocket sub-protocols (RFC 6455, section 1.9) that the server accepts, in addition to `subProtocolName`. Of the names
   * that a client offers in `Sec-WebSocket-Protocol`, the server chooses `subProtocolName`, else the first one that is
   * listed here, else none; browsers close the connection then. Names are case-sensitive.
   * @default [] (none)
   */
  webSocketProtocols?: readonly string[];
  /**
   * Time that a shutdown waits for running handlers and for clients to close, in milliseconds: 0 to 2 147 483 647. After
   * it, the shutdown logs the work that still runs and closes the connections with 1001; clients and disconnect hooks get
   * up to four seconds more.
   * @default 30_000
   */
  shutdownTimeout?: number;
}

/** Validated server options with their defaults, frozen. */
export type ResolvedServerOptions = Readonly<
  Required<Omit<ServerOptions, 'origins' | 'rateLimit'>> &
    Pick<ServerOptions, 'origins'> & { rateLimit: Readonly<Required<RateLimit>> | undefined }
>;

/** Values of an option that is a codec. */
export const CODEC_RULE: OptionRule = {
  allowed: 'a codec: an object with the functions decode and encode',
  accepts: (value) => {
    const codec = value as Partial<PayloadCodec> | null;
    return typeof codec?.decode === 'function' && typeof codec.encode === 'function';
  },
};

/** The rule for each option. */
export const SERVER_OPTION_RULES: OptionRules<ServerOptions> = {
  readTimeout: integerBetween(1, MAX_UINT32, 'milliseconds'),
  messageBufferSize: integerBetween(MIN_MESSAGE_BUFFER_SIZE, MAX_UINT32, 'bytes'),
  subProtocolName: stringThat('a string', () => true),
  concurrencyLimit: countOrInfinity('handlers'),
  maxConnections: countOrInfinity('connections'),
  maxConnectionsPerAddress: countOrInfinity('connections'),
  maxStreams: countOrInfinity('streams'),
  rateLimit: RATE_LIMIT_RULE,
  extensions: { allowed: 'true or false', accepts: (value) => typeof value === 'boolean' },
  maxBufferedAmount: integerBetween(0, Number.MAX_SAFE_INTEGER, 'bytes'),
  origins: ORIGINS_RULE,
  trustProxy: TRUST_PROXY_RULE,
  handshakeTimeout: integerBetween(1, TIMER_MAX, 'milliseconds'),
  path: stringThat('a path such as "/" or "/chat"', (path) => /^\/[!-~]*$/.test(path) && !/[?#]/.test(path)),
  webSocketProtocols: WEB_SOCKET_PROTOCOLS_RULE,
  shutdownTimeout: integerBetween(0, TIMER_MAX, 'milliseconds'),
};

/** Length of AcceptConf without the sub-protocol name (docs/PROTOCOL.md, section 4), in bytes. */
const ACCEPT_CONF_HEADER_LENGTH = 11;

/**
 * Fills in the defaults of options that have been checked against `SERVER_OPTION_RULES`.
 * @throws InvalidOptionError if the sub-protocol name does not fit into the message buffer.
 */
export function resolveServerOptions(options: ServerOptions): ResolvedServerOptions {
  const resolved: ResolvedServerOptions = Object.freeze({
    readTimeout: options.readTimeout ?? DEFAULT_READ_TIMEOUT,
    messageBufferSize: options.messageBufferSize ?? DEFAULT_MESSAGE_BUFFER_SIZE,
    subProtocolName: options.subProtocolName ?? '',
    concurrencyLimit: options.concurrencyLimit ?? Infinity,
    maxConnections: options.maxConnections ?? Infinity,
    maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? Infinity,
    maxStreams: options.maxStreams ?? 64,
    rateLimit: resolveRateLimit(options.rateLimit),
    extensions: options.extensions ?? true,
    maxBufferedAmount: options.maxBufferedAmount ?? 1_048_576,
    origins: options.origins,
    trustProxy: options.trustProxy ?? false,
    handshakeTimeout: options.handshakeTimeout ?? 10_000,
    path: options.path ?? '/',
    webSocketProtocols: Object.freeze([...(options.webSocketProtocols ?? [])]),
    shutdownTimeout: options.shutdownTimeout ?? 30_000,
  });
  const room = resolved.messageBufferSize - ACCEPT_CONF_HEADER_LENGTH;
  check('subProtocolName', resolved.subProtocolName, {
    allowed: `a name of at most ${room} bytes, as messageBufferSize is ${resolved.messageBufferSize}`,
    accepts: (name) => Buffer.byteLength(name as string) <= room,
  });
  return resolved;
}
