import { ProtocolError } from './protocol-error.js';

// The extensions of WebWire 2.0 (docs/PROTOCOL.md, section 11): ordinary requests and signals with reserved names.

/** The extensions. */
export type ExtensionName = 'stream' | 'cancel' | 'ping' | 'trace' | 'flow';

/** The trace that a message belongs to (W3C Trace Context), to be passed to a tracing library. */
export interface TraceContext {
  /** Version, trace ID, parent ID and flags, such as `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`. */
  readonly traceparent: string;
  /** Values of tracing systems: at most 512 printable ASCII characters. */
  readonly tracestate?: string | undefined;
}

/** The names of requests and signals that begin with this belong to extensions. */
export const RESERVED_PREFIX = 'wwr:';

const FIRST_CHARACTER = 0x77;

/** Request: the client asks for extensions. */
export const ASK_NAME = 'wwr:extensions';
/** Request: the client makes sure that the server responds. */
export const PING_NAME = 'wwr:ping';
/** Signal: the server is alive, but many messages of the client wait. */
export const BUSY_NAME = 'wwr:busy';
/** Signal: the client may send more messages. */
export const CREDIT_NAME = 'wwr:more';
/** Signal: the trace context of the next signal. */
export const TRACE_NAME = 'wwr:trace';

/** Prefixes of signals about one request, before its identifier in 16 hexadecimal digits. */
export const ITEM_PREFIX = 'wwr:item:';
export const MORE_PREFIX = 'wwr:more:';
export const CANCEL_PREFIX = 'wwr:cancel:';
export const TRACE_PREFIX = 'wwr:trace:';

/** Items of a stream that the server sends in advance of the client's grants. */
export const STREAM_WINDOW = 64;

/** Largest window that a server may announce. */
export const MAX_STREAM_WINDOW = 65_536;

/** Counts for each message that may have to wait, in addition to its length: what keeping it costs, in bytes. */
export const MESSAGE_OVERHEAD = 512;

/** Number of bytes that a client may send between its question for extensions and the server's answer. */
export const FIRST_CREDIT = 65_536;

/** Returns `true` for a name that belongs to extensions, known ones or not. */
export function isReserved(name: string): boolean {
  // The first character excludes most names, faster than `startsWith()`.
  return name.charCodeAt(0) === FIRST_CHARACTER && name.startsWith(RESERVED_PREFIX);
}

/**
 * Checks the name of a message that an application sends.
 * @throws ProtocolError for a reserved name.
 */
export function assertUnreserved(name: unknown): void {
  // Other values are refused when the message is encoded.
  if (typeof name !== 'string' || !name.startsWith(RESERVED_PREFIX)) return;
  throw new ProtocolError('INVALID_FIELD', 'the prefix wwr: is reserved', 0);
}

/** An identifier in 16 lower-case hexadecimal digits, in the order of its bytes. */
export function identifierToHex(identifier: Uint8Array): string {
  return Array.from(identifier, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Reads the identifier in the name of a signal.
 * @returns Its 16 hexadecimal digits; `undefined` if the name is not the prefix and an identifier.
 */
export function identifierIn(name: string, prefix: string): string | undefined {
  const digits = name.slice(prefix.length);
  return name.startsWith(prefix) && /^[\da-f]{16}$/.test(digits) ? digits : undefined;
}

/**
 * Reads the count of a grant: decimal digits, from 1 to 999 999 999.
 * @returns `undefined` for any other text.
 */
export function readCount(text: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

/** The content of a request or reply of the negotiation. Only the list is checked. */
interface Negotiation {
  readonly extensions: readonly unknown[];
  readonly streamWindow?: unknown;
  readonly credit?: unknown;
}

/** @returns `undefined` if the text is not JSON, or not an object with the member `extensions`, a list. */
export function readExtensions(text: string): Negotiation | undefined {
  try {
    const content = JSON.parse(text) as Negotiation;
    return Array.isArray(content.extensions) ? content : undefined;
  } catch {
    return undefined;
  }
}
