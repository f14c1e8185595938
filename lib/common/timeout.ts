export { TIMER_MAX } from '../protocol/limits.js';

/**
 * Waits for a promise, but not for ever.
 *
 * @param timeout In milliseconds.
 * @param onTimeout Called when it is over; returns the error with which the wait fails.
 * @returns The value of the promise; rejects as it does, or with that error.
 */
export async function withTimeout<T>(pending: Promise<T>, timeout: number, onTimeout: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(onTimeout()), timeout);
  });
  try {
    return await Promise.race([pending, late]);
  } finally {
    clearTimeout(timer);
  }
}
