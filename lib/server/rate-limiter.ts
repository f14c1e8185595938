import { RequestError } from '../protocol/errors.js';
import { integerBetween, OBJECT_RULE, type OptionRule } from '../common/options.js';
import { TIMER_MAX } from '../common/timeout.js';
import type { Work } from './waiting-messages.js';

/** Limits the messages of each connection, in the option `rateLimit`. */
export interface RateLimit {
  /** Most messages per window, in the long run: at least 1. */
  limit: number;
  /** Length of a window in milliseconds: 1 to 2 147 483 647. */
  window: number;
  /**
   * Most messages at once, after a pause: at least 1.
   * @default limit
   */
  burst?: number;
}

const COUNT: OptionRule = integerBetween(1, Number.MAX_SAFE_INTEGER, 'messages');

const RULES: { readonly [Name in keyof Required<RateLimit>]: OptionRule } = {
  limit: COUNT,
  window: integerBetween(1, TIMER_MAX, 'milliseconds'),
  burst: { ...COUNT, accepts: (value) => value === undefined || COUNT.accepts(value) },
};

/** Values of the option `rateLimit`. */
export const RATE_LIMIT_RULE: OptionRule = {
  allowed:
    `false, or { limit, window, burst }: limit ${COUNT.allowed}, window ${RULES.window.allowed}, ` +
    'burst, which may be left out, as limit',
  accepts: (value) =>
    value === false ||
    (OBJECT_RULE.accepts(value) &&
      Object.keys(value as object).every((name) => Object.hasOwn(RULES, name)) &&
      Object.entries(RULES).every(([name, rule]) => rule.accepts((value as Partial<RateLimit>)[name as 'limit']))),
};

/** Fills in the default of `burst`. */
export function resolveRateLimit(rateLimit: RateLimit | false | undefined): Readonly<Required<RateLimit>> | undefined {
  if (!rateLimit) return undefined;
  const { limit, window, burst = limit } = rateLimit;
  return Object.freeze({ limit, window, burst });
}

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
