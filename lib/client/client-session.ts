import { refuse } from '../protocol/server-messages.js';
import { decodeUtf8 } from '../protocol/text.js';

/** What the application of the server keeps in a session: JSON. */
export type ClientSessionInfo = { readonly [name: string]: unknown };

/** A session as the server told of it: it never changes, and changing what it returns changes nothing. */
export interface ClientSession {
  /**
   * Identifies the session, and is the secret with which it is restored: never log it. It is not enumerable, so that
   * `console.log()` and `JSON.stringify()` leave it out.
   */
  readonly key: string;
  /** When the session was created. */
  readonly createdAt: Date;
  /** When it was last looked up before this client got it; when it was created, if never. */
  readonly lastLookupAt: Date;
  /** What the application keeps in it, frozen throughout; `undefined` without any. */
  readonly info: ClientSessionInfo | undefined;
}

/**
 * Reads a session as servers write it (PROTOCOL.md, section 6): `{ k: key, c: created, l: last lookup, i: info }`.
 * @throws ProtocolError if it is none.
 */
export function readSession(bytes: Uint8Array): ClientSession {
  try {
    const { k: key, c, l, i } = JSON.parse(decodeUtf8(bytes)) as { k: unknown; c: string; l: string; i: unknown };
    // RFC 3339, of which all engines understand nine digits of a fraction.
    const [createdAt, lastLookupAt] = [Date.parse(c), Date.parse(l)];
    // What is no time is NaN, and NaN is less than nothing.
    if (isSessionKey(key) && typeof (i ?? {}) === 'object' && createdAt + lastLookupAt < Infinity) {
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
    // No JSON, or too deep.
  }
  return refuse('INVALID_FIELD', 1);
}

/** Whether a value can be the key of a session: ASCII, each character 32–126 (PROTOCOL.md, section 2). */
export function isSessionKey(value: unknown): value is string {
  return typeof value === 'string' && /^[ -~]+$/.test(value);
}

function deepFreeze(value: unknown): unknown {
  for (const member of Object.values(Object(value))) if (typeof member === 'object') deepFreeze(member);
  return Object.freeze(value);
}
