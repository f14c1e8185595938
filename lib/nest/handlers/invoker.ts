import type { WebwireConnection } from '../../server/connection.js';
import type { Message } from '../../server/message.js';

/**
 * Runs a handler, and passes its value to `succeed` or its error to `fail`. Both are parameters, because an asynchronous handler is
 * answered earlier when its promise is followed by one `then()`, and not by one for each step.
 *
 * @returns The result of `succeed`, or the promise of it.
 * @throws The error of `fail` or `succeed`; or rejects with it.
 */
export type Invoker = <Result>(
  connection: WebwireConnection,
  body: unknown,
  message: Message,
  succeed: (value: unknown) => Result,
  fail: (error: unknown) => never,
) => Result | Promise<Result>;

/**
 * The arguments in the context of guards, interceptors, filters and parameter decorators. `switchToWs()` of Nest returns the
 * first as the client, the second as the data and the last as the pattern.
 */
export type HandlerArguments = [connection: WebwireConnection, body: unknown, message: Message, name: string];
