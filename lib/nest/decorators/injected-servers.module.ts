import { Global, Module } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { addScannedApplication, injectedServers } from './inject-webwire-server.decorator.js';

/** Lets every module inject what `@InjectWebwireServer()` asks for. */
@Global()
@Module({ providers: injectedServers, exports: injectedServers })
export class InjectedServersModule {}

/** Lets also those modules and classes of an application inject servers that are loaded later. */
export function provideInjectedServers(modules: ModulesContainer): void {
  for (const module of modules.values()) if (module.metatype === InjectedServersModule) addScannedApplication(module);
}
