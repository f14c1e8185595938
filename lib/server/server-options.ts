import { DEFAULT_MESSAGE_BUFFER_SIZE, DEFAULT_READ_TIMEOUT, MIN_MESSAGE_BUFFER_SIZE } from '../protocol/index.js';
import { check, integerBetween, stringThat, type OptionRules } from './option-rules.js';

/** Options of one WebWire server. */
export interface ServerOptions {
  /**
   * Silence after which a client counts as gone, in milliseconds: 1 to 4 294 967 295. Announced to clients,
   * which send heartbeats accordingly (PROTOCOL.md, sections 4 and 7).
   * @default 60_000
   */
  readTimeout?: number;
  /**
   * Largest message either way, in bytes: 32 to 4 294 967 295. A client that sends more is disconnected with
   * close code 1009; a larger signal throws `BufferOverflowError`; a larger reply becomes a
   * ReplyInternalError. The Go client insists on the size of its own buffer, 8 192 unless changed.
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
   * Where upgrades are accepted. Elsewhere they get 404, or are left to others that listen for upgrades on the
   * same HTTP server.
   * @default '/'
   */
  path?: string;
  /**
   * How long a shutdown waits for running handlers and for clients to close, in milliseconds: 0 to
   * 2 147 483 647. What is still running then is logged, and no longer waited for.
   * @default 30_000
   */
  shutdownTimeout?: number;
}

/** Server options after validation: nothing is missing, nothing changes any more. */
export type ResolvedServerOptions = Readonly<Required<ServerOptions>>;

const UINT32_MAX = 0xffff_ffff;
const TIMER_MAX = 0x7fff_ffff;

/** What each option may be. */
export const SERVER_OPTION_RULES: OptionRules<ServerOptions> = {
  readTimeout: integerBetween(1, UINT32_MAX, 'milliseconds'),
  messageBufferSize: integerBetween(MIN_MESSAGE_BUFFER_SIZE, UINT32_MAX, 'bytes'),
  subProtocolName: stringThat('a string', () => true),
  path: stringThat('a path such as "/" or "/chat"', (path) => /^\/[!-~]*$/.test(path) && !/[?#]/.test(path)),
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
    path: options.path ?? '/',
    shutdownTimeout: options.shutdownTimeout ?? 30_000,
  });
  const room = resolved.messageBufferSize - ACCEPT_CONF_HEADER_LENGTH;
  check('subProtocolName', resolved.subProtocolName, {
    allowed: `a name of at most ${room} bytes, as messageBufferSize is ${resolved.messageBufferSize}`,
    accepts: (name) => Buffer.byteLength(name as string) <= room,
  });
  return resolved;
}
