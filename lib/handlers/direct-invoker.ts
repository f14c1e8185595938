import type { HandlerDefinition } from './gateway-explorer.js';
import type { Invoker } from './invoker.js';
import { parameterReader } from './parameters.js';
import { isPromiseLike, settle } from './settle.js';

/** Calls a handler to which nothing applies straight away: what it returns at once is answered at once. */
export function directInvoker(instance: object, handler: HandlerDefinition): Invoker {
  const { callback } = handler;
  const readParameters = parameterReader(instance, handler);
  return (connection, body, message) => {
    const values = readParameters([connection, body, message, message.name]);
    // A decorator of the application's own may be asynchronous.
    if (!values.some(isPromiseLike)) return settle(callback.apply(instance, values), message);
    return Promise.all(values).then((resolved) => settle(callback.apply(instance, resolved), message));
  };
}
