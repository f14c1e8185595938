import { ExternalContextCreator } from '@nestjs/core';
import { isObservable } from 'rxjs';
import { MESSAGE_ARGUMENT } from '../decorators/webwire-message.decorator.js';
import type { HandlerArguments } from '../handlers/invoker.js';
import { lastValue, whileConnected } from '../handlers/resolve-result.js';
import { handlerLabel, itemsOf } from '../handlers/stream-items.js';
import { assertNestParts } from './assert-nest-parts.js';

/** The part of Nest's context creator that runs interceptors. */
interface InterceptorsPart {
  readonly interceptorsConsumer: {
    readonly intercept: (
      interceptors: unknown,
      args: HandlerArguments,
      instance: unknown,
      callback: unknown,
      next: () => Promise<unknown>,
      type: unknown,
    ) => Promise<unknown>;
  };
}

/**
 * Keeps what Nest has read of a handler, by the class of its gateway. Nest 11 keeps it by the name of the class, so that a
 * gateway would get the parameters of another one of the same name.
 */
class HandlerMetadata {
  readonly #byClass = new WeakMap<object, Map<string, unknown>>();

  get(instance: object, key: string): unknown {
    return this.#byClass.get(Object.getPrototypeOf(instance) as object)?.get(key);
  }

  set(instance: object, key: string, metadata: unknown): void {
    const prototype = Object.getPrototypeOf(instance) as object;
    const known = this.#byClass.get(prototype);
    if (known) known.set(key, metadata);
    else this.#byClass.set(prototype, new Map([[key, metadata]]));
  }
}

/**
 * A context creator whose pipelines leave the Observable of a handler when the connection ends.
 *
 * Why: Nest's pipeline takes the last value of an Observable, fails when it has none, and never unsubscribes.
 *
 * Relies on: `ExternalContextCreator` calls its methods `transformToResult()` and `interceptorsConsumer.intercept()`, and its
 * `handlerMetadataStorage`. The new creator inherits from Nest's, which GraphQL and other libraries share.
 *
 * If Nest changes it: the start fails if a part is missing. If Nest no longer calls them, the rows about Observables in
 * `test/nest/handlers/paths.spec.ts` fail.
 *
 * @throws Error if this version of Nest lacks one of these parts.
 */
export function createPipelineCreator(creator: ExternalContextCreator): ExternalContextCreator {
  const { interceptorsConsumer, transformToResult } = creator as unknown as Partial<
    InterceptorsPart & Record<'transformToResult', unknown>
  >;
  assertNestParts({
    'ExternalContextCreator.transformToResult()': transformToResult,
    'ExternalContextCreator.interceptorsConsumer.intercept()': interceptorsConsumer?.intercept,
  });
  return Object.assign<ExternalContextCreator, object>(Object.create(creator) as ExternalContextCreator, {
    handlerMetadataStorage: new HandlerMetadata(),
    transformToResult: async (result: unknown) => result,
    interceptorsConsumer: {
      async intercept(interceptors, args, instance, callback, next, type) {
        const message = args[MESSAGE_ARGUMENT];
        const handle = async () => {
          const release = message.demand?.hold();
          try {
            const result = await next();
            if (release) return itemsOf(result, message, handlerLabel(instance as object, callback as () => unknown));
            return isObservable(result) ? whileConnected(result, message) : result;
          } finally {
            release?.();
          }
        };
        const result = await interceptorsConsumer!.intercept(interceptors, args, instance, callback, handle, type);
        return isObservable(result) && !message.demand ? lastValue(result, message) : result;
      },
    } satisfies InterceptorsPart['interceptorsConsumer'],
  });
}

/**
 * A context creator whose pipelines run the guards only.
 *
 * Relies on: `interceptorsConsumer.intercept()` calls the handler. This one does not.
 *
 * @param creator Made by `createPipelineCreator()`, which checks that this version of Nest has the part.
 */
export function createGuardsCreator(creator: ExternalContextCreator): ExternalContextCreator {
  return Object.assign<ExternalContextCreator, object>(Object.create(creator) as ExternalContextCreator, {
    interceptorsConsumer: { intercept: async () => undefined } satisfies InterceptorsPart['interceptorsConsumer'],
  });
}
