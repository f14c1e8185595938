import { ModuleRef, type ModulesContainer } from '@nestjs/core';
import { Module } from './nest-internals.js';
import { rootModuleOf } from './module-order.js';

/** Functions that run at the two ends of an application's life. */
export interface LifecycleHooks {
  /** Runs after all other bootstrap hooks. A rejection fails the start of the application. */
  onApplicationBootstrap(): Promise<void>;
  /** Runs before all other destroy hooks. */
  onModuleDestroy(): Promise<void>;
}

class WebwireLifecycle {}

/**
 * Calls `hooks` after all other bootstrap hooks of the application, and before all other destroy hooks, by adding a module.
 *
 * Why: ports must open after the bootstrap hooks and close before the destroy hooks, so that no client meets a provider that
 * is not initialised or already destroyed. Nest itself opens sockets before the former and closes them after the latter, and
 * no public hook runs at these moments.
 *
 * Relies on: Nest sorts modules by `distance`, calls bootstrap hooks from the largest to the smallest and destroy hooks in
 * the opposite order, and does so on first need, which is after the adapter creates the servers. The new module gets a
 * distance below all others.
 *
 * If Nest changes it: `new Module()` fails the start, or the tests of `test/nest/lifecycle.spec.ts` fail on the order.
 */
export function addLifecycle(modules: ModulesContainer, hooks: LifecycleHooks): void {
  const module = new Module(WebwireLifecycle, rootModuleOf(modules)['container']);
  module.token = WebwireLifecycle.name;
  module.distance = Math.min(...Array.from(modules.values(), ({ distance }) => distance)) - 1;
  // `app.get(ModuleRef)` returns the one that it finds last, which must be that of a module with imports.
  module.providers.delete(ModuleRef);
  const host = module.providers.get(WebwireLifecycle)!;
  host.instance = hooks;
  modules.set(WebwireLifecycle.name, module);
}
