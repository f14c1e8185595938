import type { WebwireConnection } from '../../server/connection.js';
import type { Message } from '../../server/message.js';

/** Runs a handler. Returns its result or the promise of it; throws or rejects with its error. */
export type Invoker = (connection: WebwireConnection, body: unknown, message: Message) => unknown;

/**
 * The arguments in the context of guards, interceptors, filters and parameter decorators. `switchToWs()` of Nest returns the
 * first as the client, the second as the data and the last as the pattern.
 */
export type HandlerArguments = [connection: WebwireConnection, body: unknown, message: Message, name: string];
