import { ModuleRef, type ModulesContainer } from '@nestjs/core';
import { Module } from '@nestjs/core/internal';

/** What happens at both ends of an application's life. */
export interface LifecycleHooks {
  /** Everything in the application is initialised. A rejection fails its start. */
  onApplicationBootstrap(): Promise<void>;
  /** Nothing in the application has been destroyed yet. */
  onModuleDestroy(): Promise<void>;
}

class WebwireLifecycle {}

/**
 * Calls `hooks` after the bootstrap hooks, and before the destroy hooks, of all else in the application.
 *
 * Nest calls bootstrap hooks module by module, from the most distant to the root module at distance 1, and destroy
 * hooks in the opposite order. Sockets, however, it opens before the first and closes after the second. A module at
 * distance 0 stands where they belong: clients meet no provider that is not yet, or no longer, there.
 */
export function addLifecycle(modules: ModulesContainer, hooks: LifecycleHooks): void {
  const [root] = modules.values();
  const module = new Module(WebwireLifecycle, root!['container']);
  module.token = WebwireLifecycle.name;
  module.distance = 0;
  // `app.get(ModuleRef)` gives the one that it finds last, which must be that of a module with imports.
  module.providers.delete(ModuleRef);
  const host = module.providers.get(WebwireLifecycle)!;
  host.instance = hooks;
  modules.set(WebwireLifecycle.name, module);
}
