import { checkOperation } from './client-options.js';
import { CanceledError, DeadlineExceededError, TimeoutError } from './errors.js';
import { MAX_TIMER, type AbortSignalLike } from './platform.js';

/** For how long a request or a signal matters. */
export interface OperationOptions {
  /** Gives up when it is aborted: with a `CanceledError`, whose `cause` is the reason of the signal. */
  signal?: AbortSignalLike;
  /**
   * Gives up after this time with a `TimeoutError`, in milliseconds: 1 to 2 147 483 647, or `Infinity`.
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
export class Operation<Result = void> {
  readonly promise: Promise<Result>;
  /** Called once it is settled: whoever holds it lets go of it. */
  release: () => void = () => undefined;
  /**
   * Called with the result before anything is read that came after it: whoever waits for the promise sees it only later.
   * What it throws keeps the operation from being settled.
   */
  arrived: (result: Result) => void = () => undefined;
  isSettled = false;
  #resolve!: (result: Result) => void;
  #reject!: (error: unknown) => void;

  /**
   * @param defaultTimeout In milliseconds, where the options say nothing.
   * @param explain Why it may be late, to be the cause of a time-out.
   * @throws InvalidOptionError
   */
  constructor(options: OperationOptions, defaultTimeout: number, explain?: () => unknown) {
    const { signal, deadline, timeout = deadline ? Infinity : defaultTimeout } = checkOperation(options);
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // One timer for both: what ends first.
    const remaining = deadline ? deadline.getTime() - Date.now() : Infinity;
    const time = Math.min(timeout, remaining);
    const late = () => {
      const why = { cause: explain?.() };
      this.reject(time === remaining ? new DeadlineExceededError(undefined, why) : new TimeoutError(undefined, why));
    };
    const abort = () => this.reject(new CanceledError(undefined, { cause: signal!.reason }));
    const timer = time > 0 && time < Infinity ? setTimeout(late, Math.min(time, MAX_TIMER)) : undefined;
    signal?.addEventListener('abort', abort);
    this.#free = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    if (signal?.aborted) abort();
    else if (time <= 0) late();
  }

  readonly #free: () => void;

  resolve(result: Result): void {
    if (this.isSettled) return;
    this.arrived(result);
    if (this.#settle()) this.#resolve(result);
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#reject(error);
  }

  #settle(): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.#free();
    this.release();
    return true;
  }
}
