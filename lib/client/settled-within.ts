import { TIMER_MAX } from '../protocol/limits.js';

/**
 * Resolves with the value of a promise, or with `undefined` if it rejects or takes too long.
 * @param timeout In milliseconds.
 */
export function settledWithin(promise: Promise<unknown>, timeout: number): Promise<unknown> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, Math.min(timeout, TIMER_MAX), undefined);
    const finish = (value?: unknown) => {
      clearTimeout(timer);
      resolve(value);
    };
    promise.then(finish, () => finish());
  });
}
