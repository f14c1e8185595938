import { ApplicationConfig, ExternalContextCreator, ModulesContainer } from '@nestjs/core';
import { Injector } from '@nestjs/core/internal';
import { isObservable } from 'rxjs';
import { MESSAGE_ARGUMENT } from '../decorators/webwire-message.decorator.js';
import { FilterContext } from '../internals/filter-context.js';
import type { HandlerArguments } from './invoker.js';
import type { ConnectionLifetime } from '../../server/connection-lifetime.js';
import { lastValue, whileConnected } from './resolve-result.js';

/** Where the pieces of a Nest application are to be found: an application, or any `ModuleRef` of it. */
export interface NestLocator {
  get<T>(token: abstract new (...args: never[]) => T, options: { strict: false }): T;
}

/** The pieces of a Nest application that running a handler takes. */
export interface NestContext {
  readonly modules: ModulesContainer;
  readonly config: ApplicationConfig;
  /** Builds guards, interceptors and pipes around a handler. */
  readonly contextCreator: ExternalContextCreator;
  /** Finds the exception filters of a handler, global ones included. */
  readonly filters: FilterContext;
  /** Makes the instances of request-scoped providers. */
  readonly injector: Injector;
}

/** The part of Nest's creator of pipelines that runs interceptors. */
interface ConsumerOfCreator {
  readonly interceptorsConsumer: {
    intercept(
      interceptors: unknown,
      args: HandlerArguments,
      instance: unknown,
      callback: unknown,
      next: () => Promise<unknown>,
      type: unknown,
    ): Promise<unknown>;
  };
}

export function locateNest(locator: NestLocator): NestContext {
  const modules = locator.get(ModulesContainer, { strict: false });
  const config = locator.get(ApplicationConfig, { strict: false });
  const contextCreator = locator.get(ExternalContextCreator, { strict: false });
  return {
    modules,
    config,
    contextCreator: leavingObservables(contextCreator),
    filters: new FilterContext({ getModules: () => modules } as never, config),
    injector: new Injector(),
  };
}

/**
 * Nest takes the last value of an Observable, fails when there is none, and never unsubscribes. Here the Observable of the
 * handler, and that of the interceptors, end with the connection. Nest's own creator is shared with GraphQL and others, so the
 * change is made on an heir.
 */
function leavingObservables(creator: ExternalContextCreator): ExternalContextCreator {
  const { interceptorsConsumer } = creator as unknown as ConsumerOfCreator;
  const handled = (result: unknown, lifetime: ConnectionLifetime) =>
    isObservable(result) ? whileConnected(result, lifetime) : result;
  return Object.assign<ExternalContextCreator, object>(Object.create(creator) as ExternalContextCreator, {
    transformToResult: async (result: unknown) => result,
    interceptorsConsumer: {
      async intercept(interceptors, args, instance, callback, next, type) {
        const { lifetime } = args[MESSAGE_ARGUMENT];
        const handle = async () => handled(await next(), lifetime);
        const result = await interceptorsConsumer.intercept(interceptors, args, instance, callback, handle, type);
        return isObservable(result) ? lastValue(result, lifetime) : result;
      },
    } satisfies ConsumerOfCreator['interceptorsConsumer'],
  });
}
