import { copySessionInfo, type SessionInfo } from './session-info.js';
import { parseTimestamp } from './timestamp.js';

/** What a session manager keeps of a session. */
export interface SessionRecord {
  /** When the session was created. */
  readonly createdAt: Date;
  /** When it was last looked up; when it was created, if never. */
  readonly lastLookupAt: Date;
  /** What the application keeps in it. */
  readonly info?: SessionInfo | null | undefined;
}

/** A session as it was at one moment: it never changes, and changing what it returns changes nothing. */
export class Session {
  readonly #createdAt: number;
  readonly #lastLookupAt: number;
  /** What the application keeps in it, frozen throughout; `undefined` without any. */
  readonly info: SessionInfo | undefined;

  /**
   * @param key Identifies the session, and is the secret with which it is restored: never log it.
   * @throws SessionError `INVALID_SESSION_INFO` if the info is not JSON, or a date is not valid.
   */
  constructor(
    readonly key: string,
    { createdAt, lastLookupAt, info }: SessionRecord,
  ) {
    this.#createdAt = parseTimestamp('createdAt', createdAt);
    this.#lastLookupAt = parseTimestamp('lastLookupAt', lastLookupAt);
    this.info = info === undefined || info === null ? undefined : copySessionInfo(info);
    Object.freeze(this);
  }

  /** When the session was created. */
  get createdAt(): Date {
    return new Date(this.#createdAt);
  }

  /** When it was last looked up before it came to this connection; when it was created, if never. */
  get lastLookupAt(): Date {
    return new Date(this.#lastLookupAt);
  }

  /** What `console.log()` and loggers show: not the key, which is a secret. */
  [Symbol.for('nodejs.util.inspect.custom')](): object {
    const { createdAt, lastLookupAt, info } = this;
    return { key: '[session key]', createdAt, lastLookupAt, info };
  }

  /** The session as it goes over the wire (PROTOCOL.md, section 6). */
  toJSON(): { k: string; c: string; l: string; i?: SessionInfo } {
    const { key, createdAt, lastLookupAt, info } = this;
    const times = { k: key, c: createdAt.toISOString(), l: lastLookupAt.toISOString() };
    return info === undefined ? times : { ...times, i: info };
  }
}
