import { setImmediate, setTimeout } from 'node:timers/promises';
import { defer, from, isObservable, Observable, type Subscriber } from 'rxjs';
// RxJS 7.1 exports operators only here.
import { catchError } from 'rxjs/operators';
import { describeType } from '../../protocol/payload-codec.js';
import { isPromiseLike } from '../../protocol/promise.js';
import { AsyncScope } from '../../server/async-scope.js';
import type { Demand } from '../../server/extensions/demand.js';
import type { Message } from '../../server/message.js';
import { STREAM_RESULT } from '../options/handler-result.js';
import { causeOf } from './resolve-result.js';

/** Items that a source is asked for in one turn of the event loop while operators hand none of them on. */
const BATCH = 64;
/** Items after which operators seem to hold them back rather than to leave some out. */
const MANY = 4_096;
/** Time between two batches while operators seem to hold items back, in milliseconds. */
const PAUSE = 10;

/** `Class.method`, for errors. */
export function handlerLabel(instance: object, callback: (...args: never[]) => unknown): string {
  return `${instance.constructor.name}.${callback.name}`;
}

/**
 * The items of the result of a stream handler: an AsyncIterable, an Observable, or a promise of one. An AsyncIterable is asked
 * for its next item only when the client takes it, also if operators of interceptors are in between.
 *
 * @param handler Named in the error of a handler that returns something else.
 */
export function itemsOf(result: unknown, message: Message, handler: string): Observable<unknown> {
  if (isPromiseLike(result))
    return laterItems(
      Promise.resolve(result).then((value) => itemsOf(value, message, handler)),
      message,
    );
  if (isObservable(result)) return untilOver(result, message);
  if (isAsyncIterable(result))
    return untilOver(new Observable((subscriber) => pull(result, message.demand!, subscriber)), message);
  throw new TypeError(`${handler} returned ${describeType(result)}, but ${STREAM_RESULT}`);
}

/**
 * The same items. They also end when the stream is over, as interceptors may not hand on that their values are unsubscribed from, such
 * as that of nestjs-cls.
 */
function untilOver(items: Observable<unknown>, message: Message): Observable<unknown> {
  return new Observable((subscriber) => {
    const scope = new AsyncScope();
    items.subscribe(subscriber);
    const end = () => {
      try {
        scope.runInAsyncScope(() => subscriber.complete());
      } catch (error) {
        message.demand!.stopFailed(causeOf(error));
      }
    };
    if (message.isOver) return end();
    message.addEndListener(end);
    return () => message.removeEndListener(end);
  });
}

/** The items of a promised Observable. It is subscribed to in any case, so that a source which comes too late is closed. */
export function laterItems(promise: Promise<Observable<unknown>>, { demand }: Message): Observable<unknown> {
  return new Observable((subscriber) => {
    void promise
      .then(
        (items) => void items.subscribe(subscriber),
        (error: unknown) => subscriber.error(error),
      )
      .finally(demand!.hold());
  });
}

/**
 * The items of a handler with exception filters.
 * @param run Called at once.
 * @param recover Passes an error to the filters. Their answer is the last item; if there is none, it rejects with an error.
 */
export function recoverable(
  run: () => Observable<unknown>,
  recover: (error: unknown) => Promise<unknown>,
  { demand }: Message,
): Observable<unknown> {
  const answer = async (error: unknown) => {
    const release = demand!.hold();
    try {
      return await recover(error);
    } finally {
      release();
    }
  };
  return defer(run).pipe(catchError((error: unknown) => from(answer(error))));
}

/** @returns Stops the iterator: called when the subscriber has unsubscribed, and when the iterator has ended. */
function pull(items: AsyncIterable<unknown>, demand: Demand, subscriber: Subscriber<unknown>): () => void {
  const iterator = items[Symbol.asyncIterator]();
  const release = demand.hold();
  let hasEnded = false;
  /** Items since the last one that operators handed on at once. */
  let unseen = 0;
  let isDirect = false;
  const run = async () => {
    try {
      while (!subscriber.closed) {
        if (!demand.isReady) await demand.ready();
        if (subscriber.closed) return;
        const { done, value } = await iterator.next();
        if (done) break;
        const { written } = demand;
        subscriber.next(value);
        if (demand.written > written) {
          unseen = 0;
          isDirect = true;
        } else if (++unseen % BATCH === 0) await (isDirect || unseen < MANY ? setImmediate() : setTimeout(PAUSE));
      }
      if (subscriber.closed) return;
      hasEnded = true;
      release();
      subscriber.complete();
    } catch (error) {
      if (subscriber.closed) return demand.stopFailed(error);
      hasEnded = true;
      release();
      subscriber.error(error);
    }
  };
  void run();
  return () => {
    if (!hasEnded) void stop(iterator, demand).then(release);
  };
}

/** Runs the `finally` blocks of a generator. */
async function stop(iterator: AsyncIterator<unknown>, demand: Demand): Promise<void> {
  try {
    await iterator.return?.();
  } catch (error) {
    demand.stopFailed(error);
  }
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof (value as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator] === 'function';
}
