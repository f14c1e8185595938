import { QueueFullError } from './errors.js';
import { startOperation, type Operation } from './operation.js';
import { ABORT_SIGNAL, atLeastOne, type ClientOptionRules } from './option-rules.js';
import type { AbortSignalLike } from './platform.js';
import type { ReceivedPayload } from './received-payload.js';

/** Options of `signals()`. */
export interface SignalsOptions {
  /** When it is aborted, the iteration ends with a `CanceledError`, whose `cause` is the reason of the signal. */
  signal?: AbortSignalLike | undefined;
  /**
   * Maximum number of signals that wait until the application takes them: at least 1, also `Infinity`. A further one ends the
   * iteration with a `QueueFullError`, after those that wait.
   * @default 1_000
   */
  maxQueued?: number | undefined;
}

export const SIGNALS_RULES: ClientOptionRules<SignalsOptions> = {
  signal: ABORT_SIGNAL,
  maxQueued: atLeastOne('a number'),
};

/**
 * Iterates over signals. They are collected from this call on, not from the first `next()`.
 * @param name For the error.
 * @param addHandler Returns a function that removes the handler.
 * @param iterations The iterations of the client that are not over. Resolving one of them ends it.
 */
export function iterateSignals(
  name: string,
  { signal, maxQueued = 1_000 }: SignalsOptions,
  addHandler: (handler: (payload: ReceivedPayload) => void) => () => void,
  iterations: Set<Operation>,
): AsyncGenerator<ReceivedPayload, undefined> {
  const operation = startOperation({ signal }, Infinity);
  const waiting: ReceivedPayload[] = [];
  let wake = () => {};
  const removeHandler = addHandler((payload) => {
    if (waiting.length < maxQueued) waiting.push(payload);
    else
      operation.reject(
        new QueueFullError(`${maxQueued} signals ${JSON.stringify(name)} wait, as many as maxQueued allows`),
      );
    wake();
  });
  const release = () => {
    removeHandler();
    iterations.delete(operation);
    wake();
  };
  // An aborted signal has settled the operation already.
  if (operation.isSettled) release();
  else iterations.add(operation);
  operation.release = release;
  // Nothing awaits the error of an iteration that is never used.
  operation.promise.catch(() => undefined);
  const generator = iterate();
  const leave = generator.return.bind(generator);
  // A generator that was not started would not run its `finally`, and a pending `next()` would hold up `return()`.
  generator.return = (value) => {
    operation.resolve();
    return leave(value);
  };
  return generator;

  async function* iterate(): AsyncGenerator<ReceivedPayload, undefined> {
    try {
      for (;;) {
        if (waiting.length === 0 && !operation.isSettled) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        const payload = signal?.aborted ? undefined : waiting.shift();
        if (!payload) break;
        yield payload;
      }
      await operation.promise;
      return undefined;
    } finally {
      operation.resolve();
    }
  }
}
