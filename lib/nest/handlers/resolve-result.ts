import { isObservable, UnsubscriptionError, type Observable } from 'rxjs';
import type { Message } from '../../server/message.js';

/**
 * What a handler may return, made a value or the promise of one: an Observable counts for its last value, `undefined` if
 * it has none. It is unsubscribed from when the connection is gone, as nobody waits for it any more.
 */
export function resolveResult(result: unknown, message: Message): unknown {
  if (isPromiseLike(result)) return Promise.resolve(result).then((value) => lastValueIfObservable(value, message));
  return lastValueIfObservable(result, message);
}

/** Whether it has to be waited for. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return isComplex(value) && typeof (value as { then?: unknown }).then === 'function';
}

/** Whether it may be anything but a value: text and bytes, which most handlers get and return, are known at a glance. */
function isComplex(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
}

function lastValueIfObservable(value: unknown, message: Message): unknown {
  return isComplex(value) && isObservable(value) ? lastValueWhileConnected(value, message) : value;
}

/** Its last value if it completes at once, else the promise of it. */
function lastValueWhileConnected(values: Observable<unknown>, { lifetime }: Message): unknown {
  if (lifetime.isOver) return undefined;
  let last: unknown;
  let failure: { error: unknown } | undefined;
  let isDone = false;
  let settled: (() => void) | undefined;
  const end = () => {
    isDone = true;
    settled?.();
  };
  const subscription = values.subscribe({
    next: (value) => (last = value),
    error: (error: unknown) => {
      failure = { error };
      end();
    },
    complete: end,
  });
  if (isDone) {
    if (failure) throw failure.error;
    return last;
  }
  return new Promise((resolve, reject) => {
    const abandon = () => {
      try {
        subscription.unsubscribe();
      } catch (error) {
        // What an Observable does when it is given up is the application's own.
        failure = { error: error instanceof UnsubscriptionError ? (error.errors[0] as unknown) : error };
      }
      end();
    };
    settled = () => {
      lifetime.remove(abandon);
      if (failure) reject(failure.error);
      else resolve(last);
    };
    lifetime.add(abandon);
  });
}
