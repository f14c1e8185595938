import { CanceledError, DeadlineExceededError, TimeoutError } from './errors.js';
import { checkOptions, invalidOption, MILLISECONDS, objectWith, type OptionRules } from './option-rules.js';
import { MAX_TIMER, type AbortSignalLike } from './platform.js';

/** For how long a request or a signal matters. */
export interface OperationOptions {
  /** Gives up when it is aborted: with a `CanceledError`, whose `cause` is the reason of the signal. */
  signal?: AbortSignalLike | undefined;
  /**
   * Gives up after this time with a `TimeoutError`, in milliseconds: at least 1, also `Infinity`.
   * @default the client's `requestTimeout`; none if there is a deadline
   */
  timeout?: number | undefined;
  /** Gives up at this time with a `DeadlineExceededError`. */
  deadline?: Date | undefined;
}

/**
 * A request, a signal or an attempt to connect that a user waits for. It settles exactly once: by a result, an error, the end of its time, or its
 * `AbortSignal`.
 */
export interface Operation<Result = void> {
  readonly promise: Promise<Result>;
  isSettled: boolean;
  /** Called once it is settled: its holder forgets it. */
  release: () => void;
  /** Set while it waits for a connection: says why there is none. */
  obstacle: (() => Error | string) | undefined;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

const OPERATION_RULES: OptionRules<OperationOptions> = {
  signal: objectWith('addEventListener', 'removeEventListener'),
  timeout: MILLISECONDS,
  deadline: objectWith('getTime'),
};

/**
 * Starts an operation.
 * @param defaultTimeout In milliseconds, where the options say nothing.
 * @throws InvalidOptionError
 */
export function startOperation<Result = void>(options: OperationOptions, defaultTimeout: number): Operation<Result> {
  checkOptions(options, OPERATION_RULES);
  const { signal, deadline, timeout = deadline ? Infinity : defaultTimeout } = options;
  const remaining = deadline ? deadline.getTime() - Date.now() : Infinity;
  if (Number.isNaN(remaining)) throw invalidOption('deadline', NaN, 'a valid Date');
  // One timer for both: what ends first.
  const time = Math.min(timeout, remaining);
  const late = () => {
    const isDeadline = time === remaining;
    const limit = isDeadline ? 'deadline exceeded' : `timeout after ${time} ms`;
    const obstacle = operation.obstacle?.();
    const cause = obstacle instanceof Error ? obstacle : undefined;
    const why = obstacle === undefined ? 'no reply came' : `no connection: ${cause?.message ?? String(obstacle)}`;
    operation.reject(new (isDeadline ? DeadlineExceededError : TimeoutError)(`${limit}: ${why}`, { cause }));
  };
  const abort = () => operation.reject(new CanceledError(undefined, { cause: signal!.reason }));
  const timer = time < Infinity ? setTimeout(late, Math.min(time, MAX_TIMER)) : undefined;
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
    promise: new Promise((...settlers) => {
      [onResult, onError] = settlers;
    }),
    isSettled: false,
    release: () => {},
    obstacle: undefined,
    resolve: (result) => settle(() => onResult(result)),
    reject: (error) => settle(() => onError(error)),
  };
  signal?.addEventListener('abort', abort);
  if (signal?.aborted) abort();
  else if (time <= 0) late();
  return operation;
}
