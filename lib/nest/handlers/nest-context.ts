import { ApplicationConfig, ExternalContextCreator, ModulesContainer } from '@nestjs/core';
import { createFilterContext, type FilterContext } from '../internals/filter-context.js';
import { assertLoader } from '../internals/load-instances.js';
import { rootModuleOf } from '../internals/module-order.js';
import { createPipelineCreator } from '../internals/pipeline-creator.js';

/** Finds the parts of a Nest application: the application, or any `ModuleRef` of it. */
export interface NestLocator {
  /** Returns the provider of a class, whichever module provides it. */
  get<T>(token: abstract new (...args: never[]) => T, options: { strict: false }): T;
}

/** The parts of a Nest application that handlers need to run. */
export interface NestContext {
  readonly modules: ModulesContainer;
  readonly config: ApplicationConfig;
  /** Builds guards, interceptors and pipes around a handler. */
  readonly contextCreator: ExternalContextCreator;
  /** Finds the exception filters of a handler, global ones included. */
  readonly filters: FilterContext;
}

/** @throws Error if the version of Nest is not supported. */
export function locateNest(locator: NestLocator): NestContext {
  const modules = locator.get(ModulesContainer, { strict: false });
  const config = locator.get(ApplicationConfig, { strict: false });
  const contextCreator = locator.get(ExternalContextCreator, { strict: false });
  assertLoader(rootModuleOf(modules));
  return {
    modules,
    config,
    contextCreator: createPipelineCreator(contextCreator),
    filters: createFilterContext(contextCreator),
  };
}
