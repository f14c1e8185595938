import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { ServerLogger } from '../../common/logger.js';
import { WEBWIRE_HANDLES, WEBWIRE_METHODS } from '../decorators/metadata.js';
import { GATEWAY_METADATA, type InstanceWrapper } from '../internals/nest-internals.js';
import { isServing, otherAdapterInstalled } from '../internals/serving-adapter.js';

/**
 * Checks that all WebWire handlers can be called. Nest calls the handlers of gateways only, and treats a provider as a gateway
 * only if a module provides its class.
 *
 * @param logger Gets a warning for handlers of instances (`useValue`, `useFactory`), which tests provide in place of gateways.
 * @throws Error for handlers in a class that is no gateway, and for handlers that the installed adapter does not call.
 */
export function assertHandlersServed(modules: ModulesContainer, config: ApplicationConfig, logger: ServerLogger): void {
  for (const { providers, controllers } of modules.values()) {
    for (const wrapper of [...providers.values(), ...controllers.values()]) {
      if (wrapper.isNotMetatype) warnOfInstance(wrapper, logger);
      else if (wrapper.metatype) assertHandlerServed(wrapper.metatype, config);
    }
  }
}

/** Returns `true` if a module of the application provides a gateway. */
export function hasGateways(modules: ModulesContainer): boolean {
  const classes = [...modules.values()].flatMap(({ providers }) => [...providers.values()]);
  return classes.some(
    ({ isNotMetatype, metatype }) => !isNotMetatype && metatype && Reflect.hasMetadata(GATEWAY_METADATA, metatype),
  );
}

function assertHandlerServed(metatype: Function, config: ApplicationConfig): void {
  const { name } = metatype;
  const handler = handlerOf(metatype.prototype);
  if (handler === undefined) return;
  const subject = `${name}.${handler}() handles WebWire messages`;
  if (!Reflect.hasMetadata(GATEWAY_METADATA, metatype)) {
    throw new Error(`${subject}, but ${name} is no gateway: decorate the class with @WebwireGateway()`);
  }
  if (!isServing(config)) throw new Error(otherAdapterInstalled(subject, config));
}

function warnOfInstance({ instance, isAlias }: InstanceWrapper, logger: ServerLogger): void {
  if (isAlias || typeof instance !== 'object' || instance === null) return;
  const prototype = Object.getPrototypeOf(instance) as object | null;
  const handler = handlerOf(prototype);
  if (handler === undefined) return;
  const { name } = prototype!.constructor;
  logger.warn(
    `${name}.${handler}() is never called, as ${name} is provided by useValue or useFactory: ` +
      'Nest serves gateways only where their class is provided',
  );
}

/** Name of the first method with `@WebwireRequest()` or `@WebwireSignal()`. */
function handlerOf(prototype: unknown): string | undefined {
  if (typeof prototype !== 'object' || prototype === null) return undefined;
  const methods = (Reflect.getMetadata(WEBWIRE_METHODS, prototype) ?? []) as string[];
  // A subclass may override the method without the decorator.
  return methods.find((name) => {
    const method = (prototype as Record<string, unknown>)[name];
    return typeof method === 'function' && Reflect.hasMetadata(WEBWIRE_HANDLES, method);
  });
}
