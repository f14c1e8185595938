import type { FactoryProvider } from '@nestjs/common';

/** The part of Nest's `Module` that takes providers after the scan. */
export interface ProviderHost {
  readonly providers: ReadonlyMap<unknown, unknown>;
  addProvider(provider: FactoryProvider): unknown;
  addExportedProviderOrModule(provider: FactoryProvider): void;
}

/**
 * Adds an exported provider to a module that Nest has already scanned. Does nothing if the module has the provider.
 *
 * Why: `@InjectWebwireServer()` in a lazily loaded file declares its provider after the scan of the application, and
 * `LazyModuleLoader`, which is public, cannot extend a module.
 *
 * Relies on: `Module.addProvider()` and `addExportedProviderOrModule()`, which Nest's scanner calls in the same way, and on
 * transient providers being made when they are injected.
 *
 * If Nest changes it: the start fails, or `test/nest/injected-servers.spec.ts` does.
 */
export function addLateProvider(module: ProviderHost, provider: FactoryProvider): void {
  if (module.providers.has(provider.provide)) return;
  module.addProvider(provider);
  module.addExportedProviderOrModule(provider);
}
