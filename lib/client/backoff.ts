import { MAX_TIMER } from './platform.js';

/** How long to wait before connecting again. */
export interface ReconnectOptions {
  /**
   * Longest delay before the first attempt, in milliseconds: at least 1.
   * @default 250
   */
  minDelay?: number;
  /**
   * No delay is longer, in milliseconds: at least 1.
   * @default 15_000
   */
  maxDelay?: number;
  /**
   * By how much the delay grows from attempt to attempt: at least 1.
   * @default 2
   */
  factor?: number;
  /**
   * Which part of a delay is random, so that the clients of a server that was restarted do not all come back at once: 0 to 1,
   * where 1 is any delay up to the full one, and 0 always the full one.
   * @default 1
   */
  jitter?: number;
}

/** The delay before an attempt, in whole milliseconds, at least one: capped exponential backoff with jitter. */
export function delayBefore(attempt: number, options: Required<ReconnectOptions>): number {
  const { minDelay, maxDelay, factor, jitter } = options;
  const longest = Math.min(maxDelay, minDelay * factor ** (attempt - 1), MAX_TIMER);
  return Math.ceil(longest * (1 - jitter * Math.random()));
}
