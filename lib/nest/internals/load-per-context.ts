import type { InjectionToken } from '@nestjs/common';
import { ModuleRef, type ContextId } from '@nestjs/core';
import { assertNestParts } from './assert-nest-parts.js';
import { moduleRefOf } from './module-order.js';
import type { InstanceWrapper, Module } from './nest-internals.js';

/** The part of Nest's injector that makes request-scoped instances. */
interface ContextLoader {
  readonly loadPerContext: (
    instance: object,
    module: Module,
    collection: ReadonlyMap<InjectionToken, InstanceWrapper>,
    contextId: ContextId,
    wrapper: InstanceWrapper,
  ) => Promise<object>;
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
 * If Nest changes it: the start fails, as `assertContextLoader()` checks both.
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

/** @throws Error if this version of Nest cannot make instances for one context as `loadPerContext()` does. */
export function assertContextLoader(module: Module): void {
  assertNestParts({ 'ModuleRef.injector.loadPerContext()': injectorOf(moduleRefOf(module))?.loadPerContext });
}

function injectorOf(moduleRef: ModuleRef): ContextLoader | undefined {
  return (moduleRef as unknown as { readonly injector?: ContextLoader }).injector;
}
