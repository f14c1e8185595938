import { isObservable, lastValueFrom } from 'rxjs';

/** What a handler may return, made a value or the promise of one: an Observable counts for its last value. */
export function settle(result: unknown): unknown {
  if (isPromiseLike(result)) return Promise.resolve(result).then(lastValueIfObservable);
  return lastValueIfObservable(result);
}

/** Whether it has to be waited for. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

/** The last value of an Observable, `undefined` if it has none; other values are returned as they are. */
export function lastValueIfObservable(value: unknown): unknown {
  return isObservable(value) ? lastValueFrom(value, { defaultValue: undefined }) : value;
}
