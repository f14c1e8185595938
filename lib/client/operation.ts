import { TIMER_MAX } from '../protocol/limits.js';
import { CanceledError, DeadlineExceededError, TimeoutError } from './errors.js';
import {
  ABORT_SIGNAL,
  checkOptions,
  invalidOption,
  MILLISECONDS,
  objectWith,
  type ClientOptionRules,
} from './option-rules.js';
import type { AbortSignalLike } from './platform.js';

/** Timeout and cancellation of a request or a signal. */
export interface OperationOptions {
  /** When it is aborted, the operation rejects with a `CanceledError`, whose `cause` is the reason of the signal. */
  signal?: AbortSignalLike | undefined;
  /**
   * After this time, in milliseconds, the operation rejects with a `TimeoutError`: at least 1, also `Infinity`.
   * @default the client's `requestTimeout`, or `Infinity` if there is a deadline
   */
  timeout?: number | undefined;
  /** At this time, the operation rejects with a `DeadlineExceededError`. */
  deadline?: Date | undefined;
}

/**
 * A request, a signal or a call of `connect()`. It settles exactly once: with a result, an error, or by its timeout, deadline
 * or `AbortSignal`.
 */
export interface Operation<Result = void> {
  readonly promise: Promise<Result>;
  isSettled: boolean;
  /** Called when it settles, so that the owner can remove it. */
  release: () => void;
  /** Called when its time is over. Returns the reason: an error if there is no connection. */
  obstacle: (() => Error | string | void) | undefined;
  /** Starts its timer anew, in milliseconds; `Infinity` stops it. */
  expireAfter(time: number): void;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

const OPERATION_RULES: ClientOptionRules<OperationOptions> = {
  signal: ABORT_SIGNAL,
  timeout: MILLISECONDS,
  deadline: objectWith('getTime'),
};

/**
 * Starts an operation.
 * @param defaultTimeout Used if the options have neither timeout nor deadline, in milliseconds.
 * @throws InvalidOptionError
 */
export function startOperation<Result = void>(options: OperationOptions, defaultTimeout: number): Operation<Result> {
  checkOptions(options, OPERATION_RULES);
  const { signal, deadline, timeout = deadline ? Infinity : defaultTimeout } = options;
  const remaining = deadline ? deadline.getTime() - Date.now() : Infinity;
  if (Number.isNaN(remaining)) throw invalidOption('deadline', NaN, 'a valid Date');
  let time: number;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expire = () => {
    const isDeadline = time === remaining;
    const limit = isDeadline ? 'deadline exceeded' : `timeout after ${time} ms`;
    const obstacle = operation.obstacle?.();
    const cause = obstacle instanceof Error ? obstacle : undefined;
    const reason = cause ? `no connection: ${cause.message}` : (obstacle ?? 'no reply came');
    operation.reject(new (isDeadline ? DeadlineExceededError : TimeoutError)(`${limit}: ${reason}`, { cause }));
  };
  const abort = () => operation.reject(new CanceledError(undefined, { cause: signal!.reason }));
  let onResult: (result: Result) => void;
  let onError: (error: unknown) => void;
  const settle = (complete: () => void) => {
    if (operation.isSettled) return;
    operation.isSettled = true;
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    operation.release();
    complete();
  };
  const operation: Operation<Result> = {
    promise: new Promise((resolve, reject) => {
      onResult = resolve;
      onError = reject;
    }),
    isSettled: false,
    release: () => {},
    obstacle: undefined,
    expireAfter(limit) {
      time = limit;
      clearTimeout(timer);
      if (time < Infinity && !operation.isSettled) timer = setTimeout(expire, Math.min(time, TIMER_MAX));
    },
    resolve: (result) => settle(() => onResult(result)),
    reject: (error) => settle(() => onError(error)),
  };
  // One timer for the timeout and the deadline, whichever is earlier.
  operation.expireAfter(Math.min(timeout, remaining));
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  else if (remaining <= 0) expire();
  return operation;
}
