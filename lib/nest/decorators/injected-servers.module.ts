import { Global, Module } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { addScannedApplication, injectedServers } from './inject-webwire-server.decorator.js';

/** Provides the servers that `@InjectWebwireServer()` injects, to all modules. */
@Global()
@Module({ providers: injectedServers, exports: injectedServers })
export class InjectedServersModule {}

/** Lets modules and classes that are loaded after the scan of an application inject servers as well. */
export function provideInjectedServers(modules: ModulesContainer): void {
  for (const module of modules.values()) if (module.metatype === InjectedServersModule) addScannedApplication(module);
}
