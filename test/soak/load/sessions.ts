import type { Random } from './random.js';

/** So many are remembered at most; what became of older ones does not matter any more. */
const MOST = 300;

/** A session as far as its clients can know about it. */
export interface KnownSession {
  readonly key: string;
  readonly user: string;
  /** Somebody asked for its end. It may be gone, or be going. */
  isEnding: boolean;
  /** It is gone for certain: no request from now on may find it. */
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

  /** Mostly a recent one, so that several clients want the same. */
  pick(random: Random): KnownSession | undefined {
    const { length } = this.#known;
    if (length === 0) return undefined;
    const newest = random.chance(0.6) ? Math.min(length, 20) : length;
    return this.#known[length - random.between(1, newest)];
  }
}
