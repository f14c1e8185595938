import type { HandlerDefinition } from './gateway-explorer.js';
import type { Invoker } from './invoker.js';
import { parameterReader } from './parameters.js';
import { resolveResult } from './resolve-result.js';
import { isPromiseLike } from '../../protocol/promise.js';

/** Calls a handler without enhancers directly. A handler that returns a value is answered in the same tick. */
export function directInvoker(instance: object, handler: HandlerDefinition): Invoker {
  const { callback } = handler;
  const parameters = parameterReader(instance, handler);
  return (connection, body, message) => {
    const values = parameters.read(connection, body, message, message.name);
    if (!parameters.isAsync || !values.some(isPromiseLike))
      return resolveResult(callback.apply(instance, values), message);
    return Promise.all(values).then((resolved) => resolveResult(callback.apply(instance, resolved), message));
  };
}
