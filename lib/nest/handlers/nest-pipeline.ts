import type { ContextId } from '@nestjs/core';
import type { HandlerDefinition } from './gateway-explorer.js';
import type { HandlerArguments } from './invoker.js';
import type { NestContext } from './nest-context.js';
import { PARAMS_FACTORY, parametersKey } from './parameters.js';

/** Where request-scoped enhancers are found: the context of one message, and the gateway that asks. */
export interface Scope {
  readonly contextId: ContextId;
  readonly inquirerId: string;
}

/** A handler and what applies to it, filters left aside. */
export interface HandlerPipeline {
  /** Returns the result of the handler or the promise of it; throws or rejects with its failure. */
  run(args: HandlerArguments): unknown;
}

/**
 * A pipeline as Nest builds it: it waits for each of its parts. Filters are left out, so that their silence is not mistaken
 * for an empty result, nor logged by Nest.
 */
export function nestPipeline(
  { contextCreator }: Pick<NestContext, 'contextCreator'>,
  instance: object,
  { callback, methodName }: HandlerDefinition,
  scope?: Scope,
): HandlerPipeline {
  const run = contextCreator.create(
    instance,
    callback,
    methodName,
    parametersKey(instance, methodName),
    PARAMS_FACTORY,
    scope?.contextId,
    scope?.inquirerId,
    { guards: true, interceptors: true, filters: false },
    'ws',
  ) as (...args: HandlerArguments) => Promise<unknown>;
  return { run: (args) => run(...args) };
}
