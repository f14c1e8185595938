import { fromEvent, isObservable, lastValueFrom, takeUntil, type Observable } from 'rxjs';
import type { Message } from '../server/message.js';

/**
 * What a handler may return, made a value or the promise of one: an Observable counts for its last value, `undefined` if
 * it has none. It is unsubscribed from when the connection is gone, as nobody waits for it any more.
 */
export function settle(result: unknown, message: Message): unknown {
  if (isPromiseLike(result)) return Promise.resolve(result).then((value) => lastValueIfObservable(value, message));
  return lastValueIfObservable(result, message);
}

/** Whether it has to be waited for. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return (
    value !== null &&
    (typeof value === 'object' || typeof value === 'function') &&
    typeof (value as { then?: unknown }).then === 'function'
  );
}

function lastValueIfObservable(value: unknown, message: Message): unknown {
  return isObservable(value) ? lastValueWhileConnected(value, message) : value;
}

function lastValueWhileConnected(values: Observable<unknown>, { signal }: Message): Promise<unknown> {
  if (signal.aborted) return Promise.resolve(undefined);
  return lastValueFrom(values.pipe(takeUntil(fromEvent(signal, 'abort'))), { defaultValue: undefined });
}
