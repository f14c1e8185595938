import { throwProtocolError } from '../protocol/server-messages.js';
import { decodeUtf8 } from '../protocol/text.js';

/** The info of a session: JSON that the application of the server stores in it. */
export type ClientSessionInfo = { readonly [name: string]: unknown };

/** A session, as last received from the server. It is immutable. */
export interface ClientSession {
  /**
   * Identifies the session. Anybody with the key can restore the session, so never log it. The property is not enumerable, so
   * that `console.log()` and `JSON.stringify()` leave it out.
   */
  readonly key: string;
  /** Time of creation. */
  readonly createdAt: Date;
  /** Time of the last lookup before this client received the session; the time of creation if there was none. */
  readonly lastLookupAt: Date;
  /** The info that the application stores in it, deeply frozen; `undefined` if there is none. */
  readonly info: ClientSessionInfo | undefined;
}

/**
 * Parses the session in a message (docs/PROTOCOL.md, section 6): `{ k: key, c: created, l: last lookup, i: info }`.
 * @throws ProtocolError for anything else.
 */
export function readSession(bytes: Uint8Array): ClientSession {
  try {
    const { k: key, c, l, i } = JSON.parse(decodeUtf8(bytes)) as { k: unknown; c: string; l: string; i: unknown };
    // The times are in RFC 3339 with up to nine fraction digits, which all engines parse.
    const [createdAt, lastLookupAt] = [Date.parse(c), Date.parse(l)];
    // `Date.parse()` returns NaN for an invalid time, and comparisons with NaN are false.
    if (isPrintableKey(key) && typeof (i ?? {}) === 'object' && createdAt + lastLookupAt < Infinity) {
      const session = {
        get createdAt() {
          return new Date(createdAt);
        },
        get lastLookupAt() {
          return new Date(lastLookupAt);
        },
        info: deepFreeze(i ?? undefined) as ClientSessionInfo | undefined,
      };
      return Object.freeze(Object.defineProperty(session, 'key', { value: key })) as ClientSession;
    }
  } catch {
    // Invalid JSON, or nested too deeply for deepFreeze().
  }
  return throwProtocolError('INVALID_FIELD', 1);
}

/** Checks that a value is a session key: ASCII, each character 32–126 (docs/PROTOCOL.md, section 2). */
export function isPrintableKey(value: unknown): value is string {
  return typeof value === 'string' && /^[ -~]+$/.test(value);
}

function deepFreeze(value: unknown): unknown {
  for (const member of Object.values(Object(value))) if (typeof member === 'object') deepFreeze(member);
  return Object.freeze(value);
}
