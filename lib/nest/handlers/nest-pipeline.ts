import type { ContextId, ExternalContextCreator } from '@nestjs/core';
import { createGuardsCreator } from '../internals/pipeline-creator.js';
import { watchEnhancers } from '../internals/watched-enhancers.js';
import type { HttpEnhancers } from './http-enhancers.js';
import { validateBody, type EntrySchemas } from './entry-schemas.js';
import { STATIC_CONTEXT } from '../internals/nest-internals.js';
import type { GatewayDefinition, HandlerDefinition } from './gateway-explorer.js';
import type { HandlerArguments } from './invoker.js';
import type { NestContext } from './nest-context.js';
import { PARAMS_FACTORY, parametersKey } from './parameters.js';

/** Identifies instances of enhancers: the context and the gateway for which they were made. */
export interface Scope {
  readonly contextId: ContextId;
  readonly inquirerId: string;
}

/** The instances that are made at start, transient ones for their gateway. */
export function staticScope({ wrapper }: GatewayDefinition): Scope {
  return { contextId: STATIC_CONTEXT, inquirerId: wrapper.id };
}

/** A handler with its guards, interceptors and pipes, without its filters. */
export interface HandlerPipeline {
  /** Returns the result of the handler or the promise of it; throws or rejects with its error. */
  run(args: HandlerArguments): unknown;
}

/**
 * Nest's own pipeline, which awaits each of its steps. It runs without filters: a filter that returns nothing would look like
 * an empty result, and Nest would log errors that no filter catches.
 *
 * @param httpEnhancers Gets the failures of guards and interceptors.
 */
export function nestPipeline(
  { contextCreator }: Pick<NestContext, 'contextCreator'>,
  instance: object,
  { callback, methodName }: HandlerDefinition,
  { contextId, inquirerId }: Scope,
  schemas?: EntrySchemas,
  httpEnhancers?: HttpEnhancers,
): HandlerPipeline {
  const create = (creator: ExternalContextCreator, guards: boolean, interceptors: boolean) =>
    (httpEnhancers ? watchEnhancers(creator, httpEnhancers) : creator).create(
      instance,
      callback,
      methodName,
      parametersKey(instance, methodName),
      PARAMS_FACTORY,
      contextId,
      inquirerId,
      { guards, interceptors, filters: false },
      'ws',
    ) as (...args: HandlerArguments) => Promise<unknown>;
  if (!schemas) {
    const run = create(contextCreator, true, true);
    return { run: (args) => run(...args) };
  }
  // The body is validated between the guards and the interceptors.
  const guard = create(createGuardsCreator(contextCreator), true, false);
  const run = create(contextCreator, false, true);
  return {
    async run(args) {
      await guard(...args);
      await validateBody(schemas, args);
      return run(...args);
    },
  };
}
