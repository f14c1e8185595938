import { isObservable, Observable, UnsubscriptionError, type Subscription } from 'rxjs';
import type { ConnectionLifetime } from '../../server/connection-lifetime.js';
import type { Message } from '../../server/message.js';

/**
 * The value of a handler's or filter's result, or the promise of it. An Observable counts for its last value, `undefined`
 * if it has none; it is not subscribed to when the client is gone, and left when the client goes.
 */
export function resolveResult(result: unknown, message: Message): unknown {
  if (isPromiseLike(result)) return Promise.resolve(result).then((value) => resolveObservable(value, message));
  return resolveObservable(result, message);
}

/** Whether a value has to be waited for. */
export function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return isComplex(value) && typeof (value as { then?: unknown }).then === 'function';
}

/** An Observable that completes when the client is gone, as nobody waits for its values then. */
export function whileConnected(values: Observable<unknown>, lifetime: ConnectionLifetime): Observable<unknown> {
  return new Observable((subscriber) => {
    if (lifetime.isOver) {
      subscriber.complete();
      return undefined;
    }
    const subscription = values.subscribe({
      next: (value) => subscriber.next(value),
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    });
    const end = () => {
      try {
        subscription.unsubscribe();
        subscriber.complete();
      } catch (error) {
        subscriber.error(causeOf(error));
      }
    };
    lifetime.add(end);
    return () => {
      lifetime.remove(end);
      subscription.unsubscribe();
    };
  });
}

/**
 * The last value of an Observable if it completes at once, else the promise of it.
 *
 * It is subscribed to even if the client is gone: interceptors, and the handler that they wrap, run in any case, as they do
 * without an Observable. Once the client is gone, it is left as soon as it has a value: an endless one would stay for ever.
 */
export function lastValue(values: Observable<unknown>, lifetime: ConnectionLifetime): unknown {
  let last: unknown;
  let hasValue = false;
  let failure: { error: unknown } | undefined;
  let isDone = false;
  let settle: (() => void) | undefined;
  const end = () => {
    isDone = true;
    settle?.();
  };
  const leaveWithValue = () => {
    // Without a subscription, it is still being subscribed to.
    if (!hasValue || !lifetime.isOver || !subscription) return;
    try {
      subscription.unsubscribe();
    } catch (error) {
      failure = { error: causeOf(error) };
    }
    end();
  };
  let subscription: Subscription | undefined;
  subscription = values.subscribe({
    next(value) {
      last = value;
      hasValue = true;
      leaveWithValue();
    },
    error(error: unknown) {
      failure = { error };
      end();
    },
    complete: end,
  });
  if (!isDone) leaveWithValue();
  if (isDone) {
    if (failure) throw failure.error;
    return last;
  }
  return new Promise((resolve, reject) => {
    settle = () => {
      lifetime.remove(leaveWithValue);
      if (failure) reject(failure.error);
      else resolve(last);
    };
    lifetime.add(leaveWithValue);
  });
}

function resolveObservable(value: unknown, { lifetime }: Message): unknown {
  return isComplex(value) && isObservable(value) ? lastValue(whileConnected(value, lifetime), lifetime) : value;
}

/** Text and bytes, which most handlers get and return, need no closer look. */
function isComplex(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
}

/** The application's own code runs when an Observable is unsubscribed from. */
function causeOf(error: unknown): unknown {
  return error instanceof UnsubscriptionError ? error.errors[0] : error;
}
