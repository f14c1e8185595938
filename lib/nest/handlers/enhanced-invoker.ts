import { ContextIdFactory, type ContextId } from '@nestjs/core';
import type { GatewayDefinition, HandlerDefinition } from './gateway-explorer.js';
import type { HandlerArguments, Invoker } from './invoker.js';
import type { NestContext } from './nest-context.js';
import { nestPipeline, type HandlerPipeline, type Scope } from './nest-pipeline.js';
import { Pipeline } from './pipeline.js';
import { resolveEnhancers } from '../internals/resolve-enhancers.js';
import type { Recovery } from './recovery.js';
import { resolveResult } from './resolve-result.js';

/** Runs a handler through its guards, interceptors, pipes and filters, which are found once for all messages. */
export function enhancedInvoker(
  nest: NestContext,
  gateway: GatewayDefinition,
  handler: HandlerDefinition,
  recovery: Recovery,
): Invoker {
  const instance = gateway.wrapper.instance as object;
  const enhancers = resolveEnhancers(nest, instance, handler);
  // With a version of Nest that builds its pipelines in another way, those of Nest run, which take more time.
  const pipeline: HandlerPipeline = enhancers
    ? new Pipeline(instance, handler.callback, enhancers)
    : nestPipeline(nest, instance, handler);
  return (connection, body, message) => {
    const args: HandlerArguments = [connection, body, message, message.name];
    try {
      const result = resolveResult(pipeline.run(args), message);
      if (!(result instanceof Promise)) return result;
      return result.catch((error: unknown) => recovery.recover(instance, args, error));
    } catch (error) {
      return recovery.recover(instance, args, error);
    }
  };
}

/** Like `enhancedInvoker`, on instances made for each message: the gateway's, and those it depends on. */
export function scopedInvoker(
  nest: NestContext,
  gateway: GatewayDefinition,
  handler: HandlerDefinition,
  prepare: (instance: object) => void,
  recovery: Recovery,
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
      return recovery.recover(wrapper.instance as object, args, error);
    }
    prepare(instance);
    // Instances that are made for one message run through a pipeline of Nest's, made for it.
    const pipeline = nestPipeline(nest, instance, handler, scope);
    try {
      return await resolveResult(await pipeline.run(args), args[2]);
    } catch (error) {
      return recovery.recover(instance, args, error, scope);
    }
  };
}

/** As in Nest's own gateways, `REQUEST` and context strategies give and get the connection. */
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

/** Nest assigns the payload of a strategy to its client. Here it must not replace properties of a connection. */
function assignNew(target: object, source: object): void {
  for (const [name, value] of Object.entries(source)) if (!(name in target)) Reflect.set(target, name, value);
}
