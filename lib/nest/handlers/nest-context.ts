import { ApplicationConfig, ExternalContextCreator, ModulesContainer } from '@nestjs/core';
import { ExternalExceptionFilterContext } from '@nestjs/core/exceptions/external-exception-filter-context.js';
import { Injector } from '@nestjs/core/internal';

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
  readonly filters: ExternalExceptionFilterContext;
  /** Makes the instances of request-scoped providers. */
  readonly injector: Injector;
}

export function locateNest(locator: NestLocator): NestContext {
  const modules = locator.get(ModulesContainer, { strict: false });
  const config = locator.get(ApplicationConfig, { strict: false });
  const contextCreator = locator.get(ExternalContextCreator, { strict: false });
  return {
    modules,
    config,
    contextCreator: leavingObservables(contextCreator),
    filters: new ExternalExceptionFilterContext({ getModules: () => modules } as never, config),
    injector: new Injector(),
  };
}

/**
 * Nest takes the last value of an Observable, fails when there is none, and never unsubscribes; here that is for `settle`.
 * Nest's own creator is shared with GraphQL and others, so the change is made on an heir.
 */
function leavingObservables(creator: ExternalContextCreator): ExternalContextCreator {
  const heir = Object.create(creator) as ExternalContextCreator;
  heir.transformToResult = async (result: unknown) => result;
  return heir;
}
