export { TIMER_MAX } from '../protocol/limits.js';

/** Time that a peer gets to take part in closing a connection before it is cut off, in milliseconds. */
export const CLOSE_TIMEOUT = 2_000;

/**
 * Waits for a promise for a limited time.
 *
 * @param timeout In milliseconds.
 * @param onTimeout Called when the time is over. Returns the error to reject with.
 * @returns The value of the promise. Rejects as the promise does, or with the error of `onTimeout`.
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
