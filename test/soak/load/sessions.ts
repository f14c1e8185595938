import type { Random } from './random.js';

/** Most sessions that are recorded. Older ones are no longer checked. */
const MOST = 300;

/** The state of a session, as its clients can derive it. */
export interface KnownSession {
  readonly key: string;
  readonly user: string;
  /** True if a client has requested its end. It may or may not exist. */
  isEnding: boolean;
  /** True if it certainly no longer exists: no later request may find it. */
  isGone: boolean;
}

/** The keys that clients were given, for others to restore. */
export class Sessions {
  readonly #known: KnownSession[] = [];
  #created = 0;

  get created(): number {
    return this.#created;
  }

  add(key: string, user: string): KnownSession {
    const session: KnownSession = { key, user, isEnding: false, isGone: false };
    this.#created++;
    this.#known.push(session);
    if (this.#known.length > MOST) this.#known.shift();
    return session;
  }

  /** Usually returns a recent session, so that several clients use the same one. */
  pick(random: Random): KnownSession | undefined {
    const { length } = this.#known;
    if (length === 0) return undefined;
    const newest = random.chance(0.6) ? Math.min(length, 20) : length;
    return this.#known[length - random.between(1, newest)];
  }
}
