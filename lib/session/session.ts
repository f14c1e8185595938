import { copySessionInfo, type SessionInfo } from './session-info.js';
import { checkTimestamp } from './timestamp.js';

/** The data of a session that a session manager keeps. */
export interface SessionRecord {
  /** When the session was created. */
  readonly createdAt: Date;
  /** When the session was last looked up, or created if it never was. */
  readonly lastLookupAt: Date;
  /** Data that the application keeps in the session. */
  readonly info?: SessionInfo | null | undefined;
}

/** An immutable snapshot of a session. The dates that it returns are copies. */
export class Session {
  readonly #createdAt: number;
  readonly #lastLookupAt: number;
  /** Data that the application keeps in the session, deeply frozen; `undefined` if there is none. */
  readonly info: SessionInfo | undefined;

  /**
   * @param key Identifies the session, and is the secret that restores it. Do not log it.
   * @throws SessionError `INVALID_SESSION_INFO` if the info is not JSON, or a date is not of the years 0 to 9999.
   */
  constructor(
    readonly key: string,
    { createdAt, lastLookupAt, info }: SessionRecord,
  ) {
    this.#createdAt = checkTimestamp('createdAt', createdAt);
    this.#lastLookupAt = checkTimestamp('lastLookupAt', lastLookupAt);
    this.info = info === undefined || info === null ? undefined : copySessionInfo(info);
    Object.freeze(this);
  }

  /** When the session was created. */
  get createdAt(): Date {
    return new Date(this.#createdAt);
  }

  /** When the session was last looked up before this connection got it, or created if it never was. */
  get lastLookupAt(): Date {
    return new Date(this.#lastLookupAt);
  }

  /** The text that `console.log()` and loggers show: without the key, which is a secret. */
  [Symbol.for('nodejs.util.inspect.custom')](): object {
    const { createdAt, lastLookupAt, info } = this;
    return { key: '[session key]', createdAt, lastLookupAt, info };
  }

  /** The session as it is sent (docs/PROTOCOL.md, section 6). */
  toJSON(): { k: string; c: string; l: string; i?: SessionInfo } {
    const { key, createdAt, lastLookupAt, info } = this;
    const times = { k: key, c: createdAt.toISOString(), l: lastLookupAt.toISOString() };
    return info === undefined ? times : { ...times, i: info };
  }
}
