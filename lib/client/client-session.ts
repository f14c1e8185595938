import { Payload, ProtocolError } from '../protocol/index.js';

/** What the application of the server keeps in a session: JSON. */
export type ClientSessionInfo = { readonly [name: string]: unknown };

/** A session as the server told of it: it never changes. */
export class ClientSession {
  readonly #createdAt: number;
  readonly #lastLookupAt: number;

  /** Made by the client. @internal */
  constructor(
    /** Identifies the session, and is the secret with which it is restored: never log it. */
    readonly key: string,
    createdAt: number,
    lastLookupAt: number,
    /** What the application keeps in it, frozen throughout; `undefined` without any. */
    readonly info: ClientSessionInfo | undefined,
  ) {
    this.#createdAt = createdAt;
    this.#lastLookupAt = lastLookupAt;
    Object.freeze(this);
  }

  /** When the session was created. */
  get createdAt(): Date {
    return new Date(this.#createdAt);
  }

  /** When it was last looked up before this client got it; when it was created, if never. */
  get lastLookupAt(): Date {
    return new Date(this.#lastLookupAt);
  }

  /** What `console.log()` shows in Node: not the key, which is a secret. */
  [Symbol.for('nodejs.util.inspect.custom')](): object {
    const { createdAt, lastLookupAt, info } = this;
    return { key: '[session key]', createdAt, lastLookupAt, info };
  }
}

/**
 * Reads a session as servers write it (PROTOCOL.md, section 6): `{ k: key, c: created, l: last lookup, i: info }`.
 * @throws ProtocolError if it is none.
 */
export function readSession(bytes: Uint8Array): ClientSession {
  try {
    const { k, c, l, i } = new Payload('utf8', bytes).json<Record<string, unknown>>();
    const [createdAt, lastLookupAt] = [readTime(c), readTime(l)];
    const hasTimes = !Number.isNaN(createdAt + lastLookupAt);
    const info = i ?? undefined;
    if (isSessionKey(k) && hasTimes && (info === undefined || typeof info === 'object')) {
      return new ClientSession(k, createdAt, lastLookupAt, deepFreeze(info) as ClientSessionInfo | undefined);
    }
  } catch {
    // No JSON, or too deep.
  }
  throw new ProtocolError('INVALID_FIELD', 'not a session', 1);
}

/** Whether a value can be the key of a session: ASCII, each character 32–126 (PROTOCOL.md, section 2). */
export function isSessionKey(value: unknown): value is string {
  return typeof value === 'string' && /^[ -~]+$/.test(value);
}

/** RFC 3339. Engines need not understand more than three digits of a fraction. NaN if it is no time. */
function readTime(text: unknown): number {
  return Date.parse(String(text).replace(/(\.\d{3})\d+/, '$1'));
}

function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}
