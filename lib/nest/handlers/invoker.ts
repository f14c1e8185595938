import type { WebwireConnection } from '../../server/connection.js';
import type { Message } from '../../server/message.js';

/** Runs a handler. Returns its result or the promise of it; throws or rejects with its failure. */
export type Invoker = (connection: WebwireConnection, body: unknown, message: Message) => unknown;

/**
 * What guards, interceptors, filters and parameter decorators find in their context. Nest takes the first for the
 * client, the second for the data and the last for the pattern of `switchToWs()`.
 */
export type HandlerArguments = [connection: WebwireConnection, body: unknown, message: Message, name: string];
