import { DEFAULT_MESSAGE_BUFFER_SIZE, DEFAULT_READ_TIMEOUT, MIN_MESSAGE_BUFFER_SIZE } from '../protocol/index.js';
import type { PayloadCodec } from '../protocol/payload-codec.js';
import {
  check,
  countOrInfinity,
  integerBetween,
  stringThat,
  type OptionRule,
  type OptionRules,
} from '../common/options.js';
import { ORIGINS_RULE, type Origins } from './origins.js';
import { WEB_SOCKET_PROTOCOLS_RULE } from './web-socket-protocols.js';

/** Options of one WebWire server. */
export interface ServerOptions {
  /**
   * Silence after which a connection is closed, with close code 1001, in milliseconds: 1 to 4 294 967 295. Announced
   * to clients, which send heartbeats accordingly (PROTOCOL.md, sections 4 and 7). Everything that arrives counts, pings,
   * pongs and parts of messages too; a silence is noticed within an eighth of this time more. After half of it the server
   * sends a ping.
   * @default 60_000
   */
  readTimeout?: number;
  /**
   * Largest message either way, in bytes: 32 to 4 294 967 295. A client that sends more is disconnected with
   * close code 1009; a larger signal throws `BufferOverflowError`; a larger reply becomes a
   * ReplyError `REPLY_TOO_LARGE`. The Go client insists on the size of its own buffer, 8 192 unless changed.
   * @default 8_192
   */
  messageBufferSize?: number;
  /**
   * Name of the application protocol spoken on top, announced to clients, which refuse a name they do not
   * expect (PROTOCOL.md, section 4). Has to fit into the message buffer with 11 bytes to spare.
   * @default '' (none)
   */
  subProtocolName?: string;
  /**
   * Handlers that may run at once for one connection: at least 1. Further messages of the client wait, in order, and
   * nothing more is read from it until one has ended. A handshake guard can say otherwise for a connection.
   * @default Infinity
   */
  concurrencyLimit?: number;
  /**
   * Connections of the server at once, those that are being set up included: at least 1. Further upgrades get 503.
   * @default Infinity
   */
  maxConnections?: number;
  /**
   * How much may wait to be written to a client, in bytes: 0 to 2^53 − 1. While more waits, the server starts no handlers for
   * the client and does not read from it; it goes on when all of it has been written. A client is disconnected with close
   * code 1013 when that much of signals waits for it, or when it takes nothing of what waits for `readTimeout`.
   * @default 1_048_576
   */
  maxBufferedAmount?: number;
  /**
   * Which values of the header `Origin` are let in; others get 403. Clients that send none, as only programs other than
   * browsers do, are let in too, unless a function decides otherwise.
   * @default any
   */
  origins?: Origins;
  /**
   * How long setting up a connection may take, handshake guards included, in milliseconds: 1 to 2 147 483 647. Later, the
   * upgrade gets 503. On a port of its own it also bounds the TLS handshake and the arrival of the HTTP request.
   * @default 10_000
   */
  handshakeTimeout?: number;
  /**
   * Where upgrades are accepted. Elsewhere they get 404, or are left to others that listen for upgrades on the
   * same HTTP server.
   * @default '/'
   */
  path?: string;
  /**
   * WebSocket sub-protocols (RFC 6455, section 1.9) that the server agrees to, beside `subProtocolName`. Of the names that a
   * client offers in `Sec-WebSocket-Protocol`, the server chooses `subProtocolName`, else the first one that is listed here,
   * else none, at which browsers give the connection up. Names are case-sensitive.
   * @default [] (none)
   */
  webSocketProtocols?: readonly string[];
  /**
   * How long a shutdown waits for running handlers and for clients to close, in milliseconds: 0 to
   * 2 147 483 647. What is still running then is logged and no longer waited for: connections are closed with 1001, and
   * clients and disconnect hooks get up to four seconds more.
   * @default 30_000
   */
  shutdownTimeout?: number;
}

/** Server options after validation: nothing is missing, nothing changes any more. */
export type ResolvedServerOptions = Readonly<Required<Omit<ServerOptions, 'origins'>> & Pick<ServerOptions, 'origins'>>;

const UINT32_MAX = 0xffff_ffff;
const TIMER_MAX = 0x7fff_ffff;

/** What a codec may be. */
export const CODEC_RULE: OptionRule = {
  allowed: 'a codec: an object with the functions decode and encode',
  accepts: (value) => {
    const codec = value as Partial<PayloadCodec> | null;
    return typeof codec?.decode === 'function' && typeof codec.encode === 'function';
  },
};

/** What each option may be. */
export const SERVER_OPTION_RULES: OptionRules<ServerOptions> = {
  readTimeout: integerBetween(1, UINT32_MAX, 'milliseconds'),
  messageBufferSize: integerBetween(MIN_MESSAGE_BUFFER_SIZE, UINT32_MAX, 'bytes'),
  subProtocolName: stringThat('a string', () => true),
  concurrencyLimit: countOrInfinity('handlers'),
  maxConnections: countOrInfinity('connections'),
  maxBufferedAmount: integerBetween(0, Number.MAX_SAFE_INTEGER, 'bytes'),
  origins: ORIGINS_RULE,
  handshakeTimeout: integerBetween(1, TIMER_MAX, 'milliseconds'),
  path: stringThat('a path such as "/" or "/chat"', (path) => /^\/[!-~]*$/.test(path) && !/[?#]/.test(path)),
  webSocketProtocols: WEB_SOCKET_PROTOCOLS_RULE,
  shutdownTimeout: integerBetween(0, TIMER_MAX, 'milliseconds'),
};

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
    maxBufferedAmount: options.maxBufferedAmount ?? 1_048_576,
    origins: options.origins,
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
