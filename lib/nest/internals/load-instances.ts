import type { InjectionToken } from '@nestjs/common';
import { ModuleRef, type ContextId } from '@nestjs/core';
import { assertNestParts } from './assert-nest-parts.js';
import { moduleRefOf } from './module-order.js';
import { STATIC_CONTEXT, type InstanceWrapper, type Module } from './nest-internals.js';

/** The part of Nest's injector that makes instances when the application has started. */
interface Loader {
  readonly loadPerContext: (
    instance: object,
    module: Module,
    collection: ReadonlyMap<InjectionToken, InstanceWrapper>,
    contextId: ContextId,
    wrapper: InstanceWrapper,
  ) => Promise<object>;
  readonly loadInjectable: (
    enhancer: InstanceWrapper,
    module: Module,
    contextId: ContextId,
    inquirer: InstanceWrapper,
  ) => Promise<void>;
}

/**
 * Makes the instance of a provider or guard for one context, with its dependencies and enhancers.
 *
 * Why: `ModuleRef.resolve()` returns a static gateway at once, without the transient global guards that it needs in the
 * context, so that they would not run. Of a guard class that the module also provides, it returns the provider, so that
 * `overrideGuard()` of `@nestjs/testing` would have no effect.
 *
 * Relies on: the field `injector` of `ModuleRef`, and `Injector.loadPerContext()`, on which `resolve()` and Nest's own
 * gateways are built.
 *
 * If Nest changes it: the start fails, as `assertLoader()` checks both.
 *
 * @param collection The collection of the module that holds the wrapper: its providers or its injectables.
 */
export async function loadPerContext(
  module: Module,
  collection: ReadonlyMap<InjectionToken, InstanceWrapper>,
  wrapper: InstanceWrapper,
  contextId: ContextId,
): Promise<object> {
  const instance: object = wrapper.instance ?? {};
  return injectorOf(moduleRefOf(module))!.loadPerContext(instance, module, collection, contextId, wrapper);
}

/**
 * Makes the transient guards, interceptors, pipes and filters of a gateway that Nest has not made for it.
 *
 * Why: some versions of Nest, such as 12.0.1, make them only for request-scoped gateways. For other gateways they return an
 * object whose constructor has never run, and such a guard may let everybody in.
 *
 * Relies on: `Injector.loadInjectable()`, which Nest's instance loader calls in the same way, and the enhancers of a wrapper,
 * which Nest's scanner adds to it.
 *
 * If Nest changes it: the start fails if a method is missing.
 *
 * @returns `true` if it has made at least one.
 */
export async function loadTransientEnhancers(module: Module, gateway: InstanceWrapper): Promise<boolean> {
  if (!gateway.isDependencyTreeStatic()) return false;
  const unmade = (gateway.getEnhancersMetadata() ?? [])
    // These versions of Nest register an enhancer, and then put a copy in its place, which has the instances.
    .map((enhancer) => enhancer.host!.injectables.get(enhancer.token) ?? enhancer)
    .filter(
      (enhancer) => enhancer.isTransient && !enhancer.getInstanceByContextId(STATIC_CONTEXT, gateway.id).isResolved,
    );
  const injector = injectorOf(moduleRefOf(module))!;
  for (const enhancer of unmade) await injector.loadInjectable(enhancer, enhancer.host!, STATIC_CONTEXT, gateway);
  return unmade.length > 0;
}

/** @throws Error if this version of Nest lacks a method of the injector that is used here. */
export function assertLoader(module: Module): void {
  const injector = injectorOf(moduleRefOf(module));
  assertNestParts({
    'ModuleRef.injector.loadPerContext()': injector?.loadPerContext,
    'ModuleRef.injector.loadInjectable()': injector?.loadInjectable,
  });
}

function injectorOf(moduleRef: ModuleRef): Loader | undefined {
  return (moduleRef as unknown as { readonly injector?: Loader }).injector;
}
