import { TIMER_MAX } from '../protocol/limits.js';

/** Delays between attempts to connect: capped exponential backoff with jitter. */
export interface ReconnectOptions {
  /**
   * Delay before the first attempt, to which `jitter` is then applied, in milliseconds: at least 1.
   * @default 250
   */
  minDelay?: number | undefined;
  /**
   * Longest delay, in milliseconds: at least 1.
   * @default 15_000
   */
  maxDelay?: number | undefined;
  /**
   * The delay is multiplied by this factor for each further attempt: at least 1.
   * @default 2
   */
  factor?: number | undefined;
  /**
   * Random part of a delay: with 0, each client waits for the full delay, with 1 for a random part of it. It spreads the
   * reconnecting clients of a restarted server over time.
   * @default 1
   */
  jitter?: number | undefined;
}

/** Reconnect options with their defaults filled in. */
export type Delays = { readonly [Name in keyof Required<ReconnectOptions>]: number };

/**
 * Computes the delay before an attempt, in whole milliseconds, at least 1.
 * @param attempt Counts from 1.
 */
export function delayBefore(attempt: number, options: Delays): number {
  const { minDelay, maxDelay, factor, jitter } = options;
  const fullDelay = Math.min(maxDelay, minDelay * factor ** (attempt - 1), TIMER_MAX);
  return Math.ceil(fullDelay * (1 - jitter * Math.random()));
}
