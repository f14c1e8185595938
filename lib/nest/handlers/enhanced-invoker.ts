import { ContextIdFactory, type ContextId } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/internal';
import type { GatewayDefinition, HandlerDefinition } from './gateway-explorer.js';
import type { HandlerArguments, Invoker } from './invoker.js';
import type { NestContext } from './nest-context.js';
import { nestPipeline, type HandlerPipeline, type Scope } from './nest-pipeline.js';
import { Pipeline } from './pipeline.js';
import { resolveEnhancers } from '../internals/resolve-enhancers.js';
import { resolveResult } from './resolve-result.js';

/** Runs a handler through its guards, interceptors, pipes and filters, which are found once for all messages. */
export function enhancedInvoker(nest: NestContext, gateway: GatewayDefinition, handler: HandlerDefinition): Invoker {
  const instance = gateway.wrapper.instance as object;
  const enhancers = resolveEnhancers(nest, instance, handler);
  // A version of Nest that builds pipelines in another way than is known here runs its own, which take more time.
  const pipeline: HandlerPipeline = enhancers
    ? new Pipeline(instance, handler.callback, enhancers)
    : nestPipeline(nest, instance, handler);
  return (connection, body, message) => {
    const args: HandlerArguments = [connection, body, message, message.name];
    try {
      const result = resolveResult(pipeline.run(args), message);
      if (!(result instanceof Promise)) return result;
      return result.catch((error: unknown) => recover(nest, gateway, instance, handler, args, error));
    } catch (error) {
      return recover(nest, gateway, instance, handler, args, error);
    }
  };
}

/** Like `enhancedInvoker`, on instances made for each message: the gateway's, and those it depends on. */
export function scopedInvoker(
  nest: NestContext,
  gateway: GatewayDefinition,
  handler: HandlerDefinition,
  prepare: (instance: object) => void,
): Invoker {
  const { wrapper, module } = gateway;
  return async (connection, body, message) => {
    const args: HandlerArguments = [connection, body, message, message.name];
    const scope: Scope = { contextId: createContext(nest, gateway, connection), inquirerId: wrapper.id };
    let instance: object;
    try {
      instance = await nest.injector.loadPerContext(
        wrapper.instance as object,
        module,
        module.providers,
        scope.contextId,
        wrapper,
      );
    } catch (error) {
      return recover(nest, gateway, wrapper.instance as object, handler, args, error);
    }
    prepare(instance);
    return runScoped(nest, gateway, instance, handler, args, scope);
  };
}

/** As in Nest's own gateways, the connection is what `REQUEST` gives and what context strategies look at. */
export function createContext(
  nest: NestContext,
  { wrapper }: Pick<GatewayDefinition, 'wrapper'>,
  connection: object,
): ContextId {
  const contextId = ContextIdFactory.getByRequest(connection as never);
  const { payload } = contextId as { payload?: object };
  if (payload && !wrapper.isDependencyTreeDurable()) assignNew(connection, payload);
  const request = payload && wrapper.isDependencyTreeDurable() ? payload : connection;
  nest.contextCreator.registerRequestProvider(request, contextId);
  return contextId;
}

/** Nest assigns the payload of a strategy to its client; here it must not replace what a connection is. */
function assignNew(target: object, source: object): void {
  for (const [name, value] of Object.entries(source)) if (!(name in target)) Reflect.set(target, name, value);
}

/** What is made for one message runs through a pipeline of Nest's, made for it. */
async function runScoped(
  nest: NestContext,
  gateway: GatewayDefinition,
  instance: object,
  handler: HandlerDefinition,
  args: HandlerArguments,
  scope: Scope,
): Promise<unknown> {
  const pipeline = nestPipeline(nest, instance, handler, scope);
  try {
    return await resolveResult(await pipeline.run(args), args[2]);
  } catch (error) {
    return recover(nest, gateway, instance, handler, args, error, scope);
  }
}

/**
 * Gives a failure to the filter that catches it. A value it returns is the answer; when it returns nothing, the
 * failure stays one, so that a failed request never looks like a success.
 */
async function recover(
  nest: NestContext,
  { module }: GatewayDefinition,
  instance: object,
  handler: HandlerDefinition,
  args: HandlerArguments,
  error: unknown,
  scope?: Scope,
): Promise<unknown> {
  const { callback } = handler;
  const filters = nest.filters.create(instance, callback as never, module.token, scope?.contextId, scope?.inquirerId);
  const host = new ExecutionContextHost(args, instance.constructor as never, callback);
  host.setType('ws');
  const result = await resolveResult(filters.invokeCustomFilters(error, host), args[2]);
  if (result === undefined || result === null) throw error;
  return result;
}
