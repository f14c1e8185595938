import type { ContextId } from '@nestjs/core';
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
 */
export function nestPipeline(
  { contextCreator }: Pick<NestContext, 'contextCreator'>,
  instance: object,
  { callback, methodName }: HandlerDefinition,
  { contextId, inquirerId }: Scope,
): HandlerPipeline {
  const run = contextCreator.create(
    instance,
    callback,
    methodName,
    parametersKey(instance, methodName),
    PARAMS_FACTORY,
    contextId,
    inquirerId,
    { guards: true, interceptors: true, filters: false },
    'ws',
  ) as (...args: HandlerArguments) => Promise<unknown>;
  return { run: (args) => run(...args) };
}
