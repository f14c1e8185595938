import { integerBetween, OBJECT_RULE, type OptionRule } from '../common/options.js';
import { TIMER_MAX } from '../common/timeout.js';

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
