import { defer } from 'rxjs';
import type { EntrySchemas } from './entry-schemas.js';
import type { HandlerDefinition } from './gateway-explorer.js';
import type { HandlerArguments, Invoker } from './invoker.js';
import { parameterReaders, type ParameterReader } from './parameters.js';
import { passPromised, passValue } from './resolve-result.js';
import { handlerLabel, itemsOf } from './stream-items.js';
import type { WebwireConnection } from '../../server/connection.js';
import type { Message } from '../../server/message.js';
import { isPromiseLike } from '../../protocol/promise.js';

type Call = (connection: WebwireConnection, body: unknown, message: Message) => unknown;

/** Calls a handler without enhancers directly. A handler that returns a value is answered in the same tick. */
export function directInvoker(instance: object, handler: HandlerDefinition, schemas?: EntrySchemas): Invoker {
  const call = withValidBody(createCall(instance, handler), schemas);
  if (handler.kind === 'stream') return streamInvoker(call, handlerLabel(instance, handler.callback));
  return (connection, body, message, succeed, fail) => {
    let result: unknown;
    let isPromised: boolean;
    try {
      result = call(connection, body, message);
      isPromised = isPromiseLike(result);
    } catch (error) {
      return fail(error);
    }
    return isPromised
      ? passPromised(result as PromiseLike<unknown>, message, succeed, fail)
      : passValue(result, message, succeed, fail);
  };
}

/** Validates the body of an entry of a contract first. */
function withValidBody(call: Call, schemas: EntrySchemas | undefined): Call {
  if (!schemas) return call;
  return (connection, body, message) => {
    const valid = schemas.body(body, connection);
    if (!isPromiseLike(valid)) return call(connection, valid, message);
    return Promise.resolve(valid).then((late) => call(connection, late, message));
  };
}

/** Passes the Observable of the items to `succeed`. The handler is called when it is subscribed to. */
function streamInvoker(call: Call, label: string): Invoker {
  return (connection, body, message, succeed) =>
    succeed(defer(() => itemsOf(call(connection, body, message), message, label)));
}

/** Most handlers have one or two parameters. They are called without an array of values, which is faster. */
function createCall(instance: object, handler: HandlerDefinition): Call {
  const { callback } = handler;
  const { list, areAsync } = parameterReaders(instance, handler);
  if (areAsync) return createAwaitingCall(instance, callback, list);
  const [first, second, third] = list;
  if (!first) return () => callback.call(instance);
  if (!second) {
    return (connection, body, message) => callback.call(instance, first(connection, body, message, message.name));
  }
  if (third) {
    return (connection, body, message) =>
      callback.apply(
        instance,
        list.map((read) => read(connection, body, message, message.name)),
      );
  }
  return (connection, body, message) => {
    const { name } = message;
    return callback.call(instance, first(connection, body, message, name), second(connection, body, message, name));
  };
}

/** For handlers with custom parameter decorators, whose values may be promises. */
function createAwaitingCall(
  instance: object,
  callback: HandlerDefinition['callback'],
  readers: readonly ParameterReader[],
): Call {
  return (connection, body, message) => {
    const args: HandlerArguments = [connection, body, message, message.name];
    const values = readers.map((read) => attempt(read, args));
    if (!values.some(isPromiseLike)) return callback.apply(instance, values);
    return Promise.all(values).then((resolved) => callback.apply(instance, resolved));
  };
}

/** Returns an error as a rejected promise, so that the promises of other parameters are awaited as well. */
function attempt(read: ParameterReader, args: HandlerArguments): unknown {
  try {
    return read(...args);
  } catch (error) {
    return Promise.reject(error);
  }
}
