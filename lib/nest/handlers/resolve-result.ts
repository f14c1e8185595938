import { isObservable, Observable, UnsubscriptionError, type Subscription } from 'rxjs';
import { isPromiseLike } from '../../protocol/promise.js';
import type { Message } from '../../server/message.js';

/**
 * The value of a handler's or filter's result, or the promise of it. The value of an Observable is its last one, or `undefined`.
 * It is not subscribed to after the connection has ended, and unsubscribed from when the connection ends.
 */
export function resolveResult(result: unknown, message: Message): unknown {
  if (isPromiseLike(result)) return Promise.resolve(result).then((value) => resolveObservable(value, message));
  return resolveObservable(result, message);
}

/**
 * Passes a handler's result that is no promise to `succeed`, or its error to `fail`. An Observable counts as in `resolveResult()`.
 * @returns The result of `succeed`, or the promise of it.
 */
export function passValue<Result>(
  value: unknown,
  message: Message,
  succeed: (value: unknown) => Result,
  fail: (error: unknown) => never,
): Result | Promise<Result> {
  let last: unknown;
  try {
    last = resolveObservable(value, message);
  } catch (error) {
    return fail(error);
  }
  return last instanceof Promise ? last.then(succeed, fail) : succeed(last);
}

/** Does the same with the value of a promise, and takes one `then()`. */
export function passPromised<Result>(
  promise: PromiseLike<unknown>,
  message: Message,
  succeed: (value: unknown) => Result,
  fail: (error: unknown) => never,
): Promise<Result> {
  return Promise.resolve(promise).then((value) => passValue(value, message, succeed, fail), fail);
}

/** An Observable with the same values that completes when the connection ends or the client gives the request up. */
export function whileConnected(values: Observable<unknown>, message: Message): Observable<unknown> {
  return new Observable((subscriber) => {
    if (message.isOver) {
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
    message.addEndListener(end);
    return () => {
      message.removeEndListener(end);
      subscription.unsubscribe();
    };
  });
}

/**
 * The last value of an Observable if it completes at once, else the promise of it.
 *
 * It is subscribed to even if the connection has ended, because interceptors and the handler run in any case, as they do
 * without an Observable. Once the connection has ended, it is unsubscribed from at its first value: an endless Observable
 * would otherwise run for ever.
 */
export function lastValue(values: Observable<unknown>, message: Message): unknown {
  let last: unknown;
  let hasValue = false;
  let failure: { error: unknown } | undefined;
  let isDone = false;
  let finish: (() => void) | undefined;
  const end = () => {
    isDone = true;
    finish?.();
  };
  const leaveAfterEnd = () => {
    // Values that arrive during `subscribe()` are handled after it.
    if (!hasValue || !message.isOver || !subscription) return;
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
      leaveAfterEnd();
    },
    error(error: unknown) {
      failure = { error };
      end();
    },
    complete: end,
  });
  if (!isDone) leaveAfterEnd();
  if (isDone) {
    if (failure) throw failure.error;
    return last;
  }
  return new Promise((resolve, reject) => {
    finish = () => {
      message.removeEndListener(leaveAfterEnd);
      if (failure) reject(failure.error);
      else resolve(last);
    };
    message.addEndListener(leaveAfterEnd);
  });
}

function resolveObservable(value: unknown, message: Message): unknown {
  return isComplex(value) && isObservable(value) ? lastValue(whileConnected(value, message), message) : value;
}

/** Returns `false` for primitives and bytes, which are neither promises nor Observables. Fast, as most results are these. */
function isComplex(value: unknown): boolean {
  if (typeof value === 'function') return true;
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value);
}

/** The error of the application's own teardown function, which RxJS wraps. */
export function causeOf(error: unknown): unknown {
  return error instanceof UnsubscriptionError ? error.errors[0] : error;
}
