import { check, checkTimeout } from './client-options.js';
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
export class Operation<Result> {
  readonly promise: Promise<Result>;
  /** Called once it is settled: whoever holds it lets go of it. */
  release: () => void = () => undefined;
  #resolve!: (result: Result) => void;
  #reject!: (error: unknown) => void;
  #isSettled = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #signal: AbortSignalLike | undefined;

  /**
   * @param defaultTimeout In milliseconds, where the options say nothing.
   * @param explain Why it may be late, to be the cause of a time-out.
   * @throws InvalidOptionError
   */
  constructor(
    { signal, timeout, deadline }: OperationOptions,
    defaultTimeout: number,
    private readonly explain: () => unknown = () => undefined,
  ) {
    if (timeout !== undefined) checkTimeout('timeout', timeout);
    if (deadline !== undefined) {
      check('deadline', deadline, deadline instanceof Date && !Number.isNaN(deadline.getTime()), 'a valid Date');
    }
    if (signal !== undefined) check('signal', signal, typeof signal?.addEventListener === 'function', 'an AbortSignal');
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#watch(timeout ?? (deadline ? Infinity : defaultTimeout), deadline);
    if (signal?.aborted) this.#abort(signal);
    else if (!this.#isSettled && signal) {
      this.#signal = signal;
      signal.addEventListener('abort', this.#onAbort);
    }
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  resolve(result: Result): void {
    if (this.#settle()) this.#resolve(result);
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#reject(error);
  }

  /** One timer for both: what ends first. */
  #watch(timeout: number, deadline: Date | undefined): void {
    const remaining = deadline ? deadline.getTime() - Date.now() : Infinity;
    const isDeadline = remaining <= timeout;
    const time = isDeadline ? remaining : timeout;
    const end = () => {
      const [Class, text] = isDeadline
        ? [DeadlineExceededError, 'the deadline has passed']
        : [TimeoutError, `no answer within ${timeout} ms`];
      const cause = this.explain();
      this.reject(new Class(text, cause === undefined ? undefined : { cause }));
    };
    if (time <= 0) end();
    else if (time !== Infinity) this.#timer = setTimeout(end, Math.min(time, MAX_TIMER));
  }

  readonly #onAbort = () => this.#abort(this.#signal!);

  #abort({ reason }: AbortSignalLike): void {
    this.reject(new CanceledError('canceled', { cause: reason }));
  }

  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.release();
    return true;
  }
}
