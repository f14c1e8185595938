import { isPromiseLike, settle } from './settle.js';
import type { Invoker } from './invoker.js';
import { parameterReader } from './parameters.js';

/** Calls a handler to which nothing applies straight away: what it returns at once is answered at once. */
export function directInvoker(instance: object, methodName: string): Invoker {
  const method = (instance as Record<string, (...args: unknown[]) => unknown>)[methodName]!;
  const readParameters = parameterReader(instance, methodName);
  return (connection, body, message) => {
    const values = readParameters([connection, body, message, message.name]);
    // A decorator of the application's own may be asynchronous.
    if (!values.some(isPromiseLike)) return settle(method.apply(instance, values));
    return Promise.all(values).then((resolved) => settle(method.apply(instance, resolved)));
  };
}
