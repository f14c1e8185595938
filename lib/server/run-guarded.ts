import { stackOf, type ServerLogger } from '../common/logger.js';
import { AsyncScope } from './async-scope.js';

/**
 * Runs code that may fail, such as a hook of the application, and logs its failure.
 *
 * @param subject Begins the log line "… failed".
 * @param run Gets an asynchronous context of its own: values that it puts into an `AsyncLocalStorage` do not reach later
 *   events of the connection.
 * @param done Called when the code has ended, whether it failed or not.
 * @returns Resolves after `done`, and never rejects; `undefined` if the code was synchronous.
 */
export function runGuarded(
  logger: ServerLogger,
  subject: string,
  run: () => void | Promise<void>,
  done?: () => void,
): Promise<void> | undefined {
  const fail = (error: unknown) => logger.error(`${subject} failed`, stackOf(error));
  let result: void | Promise<void> = undefined;
  try {
    result = new AsyncScope().runInAsyncScope(run);
  } catch (error) {
    fail(error);
  }
  if (result instanceof Promise) return result.catch(fail).finally(done);
  done?.();
  return undefined;
}
