import { MAX_TIMER } from './platform.js';

/** How long to wait before connecting again. */
export interface ReconnectOptions {
  /**
   * Longest delay before the first attempt, in milliseconds: at least 1.
   * @default 250
   */
  minDelay?: number | undefined;
  /**
   * No delay is longer, in milliseconds: at least 1.
   * @default 15_000
   */
  maxDelay?: number | undefined;
  /**
   * Factor by which the delay grows from attempt to attempt: at least 1.
   * @default 2
   */
  factor?: number | undefined;
  /**
   * The random part of a delay, so that the clients of a server that was restarted do not all come back at once: 0 to 1,
   * where 1 is any delay up to the full one, and 0 always the full one.
   * @default 1
   */
  jitter?: number | undefined;
}

/** Delays, all of them given. */
export type Delays = { readonly [Name in keyof Required<ReconnectOptions>]: number };

/** The delay before an attempt, in whole milliseconds, at least one: capped exponential backoff with jitter. */
export function delayBefore(attempt: number, options: Delays): number {
  const { minDelay, maxDelay, factor, jitter } = options;
  const longest = Math.min(maxDelay, minDelay * factor ** (attempt - 1), MAX_TIMER);
  return Math.ceil(longest * (1 - jitter * Math.random()));
}
