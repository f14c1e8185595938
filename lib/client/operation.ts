import { invalid, resolve } from './client-options.js';
import { CanceledError, DeadlineExceededError, TimeoutError } from './errors.js';
import { MAX_TIMER, type AbortSignalLike } from './platform.js';

/** For how long a request or a signal matters. */
export interface OperationOptions {
  /** Gives up when it is aborted: with a `CanceledError`, whose `cause` is the reason of the signal. */
  signal?: AbortSignalLike;
  /**
   * Gives up after this time with a `TimeoutError`, in milliseconds: at least 1, also `Infinity`.
   * @default the client's `requestTimeout`; none if there is a deadline
   */
  timeout?: number;
  /** Gives up at this time with a `DeadlineExceededError`. */
  deadline?: Date;
}

/**
 * Something that a user waits for. It settles exactly once: by a result, an error, the end of its time, or its
 * `AbortSignal`.
 */
export interface Operation<Result = void> {
  readonly promise: Promise<Result>;
  isSettled: boolean;
  /** Called once it is settled: whoever holds it lets go of it. */
  release: () => void;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/** What options have to be like: see `resolve()`. */
const MODEL = {
  signal: { addEventListener: 0, removeEventListener: 0 } as unknown as AbortSignalLike,
  timeout: 0,
  deadline: { getTime: 0 } as unknown as Date,
};

/**
 * Starts an operation.
 * @param defaultTimeout In milliseconds, where the options say nothing.
 * @throws InvalidOptionError
 */
export function startOperation<Result = void>(options: OperationOptions, defaultTimeout: number): Operation<Result> {
  resolve(MODEL, options);
  const { signal, deadline, timeout = deadline ? Infinity : defaultTimeout } = options;
  const remaining = deadline ? deadline.getTime() - Date.now() : Infinity;
  if (Number.isNaN(remaining)) throw invalid('deadline', 'NaN', 'a valid Date');
  // One timer for both: what ends first.
  const time = Math.min(timeout, remaining);
  const late = () => operation.reject(time === remaining ? new DeadlineExceededError() : new TimeoutError());
  const abort = () => operation.reject(new CanceledError(undefined, { cause: signal!.reason }));
  const timer = time < Infinity ? setTimeout(late, Math.min(time, MAX_TIMER)) : undefined;
  let onResult: (result: Result) => void;
  let onError: (error: unknown) => void;
  const settle = (tell: () => void) => {
    if (operation.isSettled) return;
    operation.isSettled = true;
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    operation.release();
    tell();
  };
  const operation: Operation<Result> = {
    promise: new Promise((...settlers) => {
      [onResult, onError] = settlers;
    }),
    isSettled: false,
    release: () => {},
    resolve: (result) => settle(() => onResult(result)),
    reject: (error) => settle(() => onError(error)),
  };
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  else if (time <= 0) late();
  return operation;
}
