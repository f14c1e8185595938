import { startOperation } from './operation.js';

/**
 * Resolves with the value of a promise, or with `undefined` if it rejects or takes too long.
 * @param timeout In milliseconds.
 */
export function settledWithin(promise: Promise<unknown>, timeout: number): Promise<unknown> {
  const operation = startOperation<unknown>({}, timeout);
  promise.then(operation.resolve, operation.reject);
  return operation.promise.catch(() => undefined);
}
