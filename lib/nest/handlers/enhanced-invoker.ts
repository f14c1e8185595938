import { from, type Observable } from 'rxjs';
import { loadPerContext } from '../internals/load-instances.js';
import { resolveEnhancers } from '../internals/resolve-enhancers.js';
import type { EntrySchemas } from './entry-schemas.js';
import type { GatewayDefinition, HandlerDefinition } from './gateway-explorer.js';
import { throughInstance } from './gateway-instance.js';
import type { HttpEnhancers } from './http-enhancers.js';
import type { HandlerArguments, Invoker } from './invoker.js';
import type { NestContext } from './nest-context.js';
import { nestPipeline, staticScope, type HandlerPipeline, type Scope } from './nest-pipeline.js';
import { Pipeline } from './pipeline.js';
import type { Recovery } from './recovery.js';
import { createContext } from './request-context.js';
import { resolveResult } from './resolve-result.js';
import { handlerLabel, itemsOf, laterItems, recoverable } from './stream-items.js';

/** Runs a handler through its guards, interceptors, pipes and filters, which are found once, at start. */
export function enhancedInvoker(
  nest: NestContext,
  gateway: GatewayDefinition,
  handler: HandlerDefinition,
  recovery: Recovery,
  httpEnhancers: HttpEnhancers,
  schemas?: EntrySchemas,
): Invoker {
  const instance = gateway.wrapper.instance as object;
  const scope = staticScope(gateway);
  const enhancers = resolveEnhancers(nest, instance, handler, scope);
  // A version of Nest may build its pipelines in another way. Then Nest's own pipeline runs, which is slower.
  const pipeline: HandlerPipeline = enhancers
    ? new Pipeline(instance, handler.callback, enhancers, httpEnhancers, handler.kind === 'stream', schemas)
    : nestPipeline(nest, instance, handler, scope, schemas, httpEnhancers);
  if (handler.kind === 'stream') {
    const label = handlerLabel(instance, handler.callback);
    return (connection, body, message, succeed) => {
      const args: HandlerArguments = [connection, body, message, message.name];
      const run = () => itemsOf(pipeline.run(args), message, label);
      return succeed(recoverable(run, (error) => recovery.recover(instance, args, error), message));
    };
  }
  return (connection, body, message, succeed, fail) => {
    const args: HandlerArguments = [connection, body, message, message.name];
    let result: unknown;
    try {
      result = resolveResult(pipeline.run(args), message);
    } catch (error) {
      return recovery.recover(instance, args, error).then(succeed, fail);
    }
    if (!(result instanceof Promise)) return succeed(result);
    return result.catch((error: unknown) => recovery.recover(instance, args, error)).then(succeed, fail);
  };
}

/** Like `enhancedInvoker`, but Nest makes the gateway and its request-scoped dependencies for each message. */
export function scopedInvoker(
  nest: NestContext,
  gateway: GatewayDefinition,
  handler: HandlerDefinition,
  prepare: (instance: object) => void,
  recovery: Recovery,
  httpEnhancers: HttpEnhancers,
  schemas?: EntrySchemas,
): Invoker {
  const { wrapper, module } = gateway;
  const isStream = handler.kind === 'stream';
  const label = handlerLabel(wrapper.instance as object, handler.callback);
  const start = async (args: HandlerArguments): Promise<unknown> => {
    const [connection, , message] = args;
    const scope: Scope = { contextId: createContext(gateway, connection), inquirerId: wrapper.id };
    let instance: object;
    try {
      instance = await loadPerContext(module, module.providers, wrapper, scope.contextId);
    } catch (error) {
      const answer = recovery.recover(wrapper.instance as object, args, error);
      return isStream ? from(answer) : answer;
    }
    prepare(instance);
    // Enhancers may be request-scoped as well, so each message needs a pipeline of its own.
    const pipeline = nestPipeline(nest, instance, throughInstance(instance, handler), scope, schemas, httpEnhancers);
    const recover = (error: unknown) => recovery.recover(instance, args, error, scope);
    if (isStream) return recoverable(() => itemsOf(pipeline.run(args), message, label), recover, message);
    try {
      return await resolveResult(await pipeline.run(args), message);
    } catch (error) {
      return recover(error);
    }
  };
  return (connection, body, message, succeed, fail) => {
    const result = start([connection, body, message, message.name]);
    return isStream ? succeed(laterItems(result as Promise<Observable<unknown>>, message)) : result.then(succeed, fail);
  };
}
