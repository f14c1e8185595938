import { RequestError } from '../protocol/errors.js';
import type { RateLimit } from './rate-limit.js';
import type { Work } from './waiting-messages.js';

/** For each message that a client may send, it may send so many that are not counted, such as trace contexts. */
const OTHERS_PER_MESSAGE = 2;
/** Further messages that are not counted, such as probes: at once, and per millisecond. */
const FURTHER_AT_ONCE = 32;
const FURTHER_PER_MS = 10 / 1000;

/** Rounding errors of times that must not cost a message, in milliseconds. */
const PRECISION = 0.001;

/**
 * Gives `capacity` tokens at once, and another one each `interval`. It is refilled when it is used, from the time that has passed, so
 * that it needs no timer. Its only state is the time at which it will be full again.
 */
class TokenBucket {
  /** In milliseconds of the monotonic clock. */
  #fullAt = -Infinity;

  /** @param interval In milliseconds. */
  constructor(
    private readonly interval: number,
    private readonly capacity: number,
  ) {}

  /** Takes a token. @returns False if there is none. */
  take(): boolean {
    const now = performance.now();
    const fullAt = Math.max(this.#fullAt, now) + this.interval;
    if (fullAt - now > this.interval * this.capacity + PRECISION) return false;
    this.#fullAt = fullAt;
    return true;
  }

  /** Time until there is a token again, in milliseconds. */
  get wait(): number {
    return Math.max(this.#fullAt - performance.now() - this.interval * (this.capacity - 1), 0);
  }
}

/**
 * Limits the messages of one connection (docs/PROTOCOL.md, section 10). Requests, signals and session requests are counted.
 * Everything else that a client may send is free as far as it belongs to one of these, or to an item that the server has
 * sent. Other messages, refused ones included, are tolerated up to a limit of their own.
 */
export class RateLimiter {
  readonly #messages: TokenBucket;
  readonly #others: TokenBucket;

  /**
   * @param limited Called when a message is refused.
   * @param exceeded Called when the client has sent more than is tolerated, and has to be disconnected.
   */
  constructor(
    private readonly limits: Readonly<Required<RateLimit>>,
    private readonly limited: (message: Work) => void,
    private readonly exceeded: () => void,
  ) {
    const { limit, window, burst } = limits;
    this.#messages = new TokenBucket(window / limit, burst);
    const perMs = (OTHERS_PER_MESSAGE * limit) / window + FURTHER_PER_MS;
    this.#others = new TokenBucket(1 / perMs, OTHERS_PER_MESSAGE * burst + FURTHER_AT_ONCE);
  }

  /** Counts a message. @returns False if it has to be refused. */
  admits(): boolean {
    return this.#messages.take();
  }

  /** The reply to a request that is refused now. */
  get refusal(): RequestError {
    const { limit, window } = this.limits;
    const wait = Math.ceil(this.#messages.wait);
    return new RequestError('TOO_MANY_REQUESTS', `more than ${limit} messages in ${window} ms: wait ${wait} ms`);
  }

  /** A message was refused. */
  refused(message: Work): void {
    this.limited(message);
    this.tolerates();
  }

  /** Counts a message that is not limited. @returns False if the client has sent too many, and is disconnected. */
  tolerates(): boolean {
    if (this.#others.take()) return true;
    this.exceeded();
    return false;
  }
}
