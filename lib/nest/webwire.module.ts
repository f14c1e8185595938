import { Global, Inject, Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { ApplicationConfig, ModuleRef, ModulesContainer } from '@nestjs/core';
import { LocalClusterNode } from './cluster-node.js';
import { SERVERS_BY_GATEWAY } from './decorators/inject-webwire-server.decorator.js';
import { InjectedServersModule } from './decorators/injected-servers.module.js';
import { ServerRegistry } from './servers/server-registry.js';
import type { SessionOptions } from './options/session-options.js';
import {
  createSessionService,
  moveBeforeRoot,
  provideKeyGenerator,
  provideSessionManager,
  SESSION_SERVICE,
} from './session.providers.js';
import { SessionKeyGenerator } from '../session/session-key-generator.js';
import { SessionManager } from '../session/session-manager.js';
import { WebwireAdapter } from './webwire.adapter.js';
import { checkModuleOptions, type WebwireModuleOptions } from './options/module-options.js';
import { ASYNC_OPTIONS_TYPE, ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } from './webwire.module-definition.js';
import { WebwireService } from './webwire.service.js';

/** Providers run before the module itself is made, so they check what they need of the options. */
function provideFrom<T>(provide: (sessions: SessionOptions | false, moduleRef: ModuleRef) => Promise<T>) {
  return ({ sessions = {} }: WebwireModuleOptions, moduleRef: ModuleRef): Promise<T> =>
    provide(checkModuleOptions({ sessions }).sessions ?? {}, moduleRef);
}

/**
 * Makes the gateways of an application speak WebWire, by installing the `WebwireAdapter` unless another adapter is
 * installed. Imported once, in the root module; `WebwireService`, and the `SessionManager` and `SessionKeyGenerator` in
 * use, can be injected everywhere.
 *
 * @throws InvalidOptionError, at start, for an option that cannot be used.
 */
@Global()
@Module({
  imports: [InjectedServersModule],
  providers: [
    LocalClusterNode,
    WebwireService,
    {
      provide: SERVERS_BY_GATEWAY,
      useFactory: (modules: ModulesContainer, options: WebwireModuleOptions) => new ServerRegistry(modules, options),
      inject: [ModulesContainer, MODULE_OPTIONS_TOKEN],
    },
    {
      provide: SessionManager,
      useFactory: provideFrom(provideSessionManager),
      inject: [MODULE_OPTIONS_TOKEN, ModuleRef],
    },
    {
      provide: SessionKeyGenerator,
      useFactory: provideFrom(provideKeyGenerator),
      inject: [MODULE_OPTIONS_TOKEN, ModuleRef],
    },
    {
      provide: SESSION_SERVICE,
      useFactory: (
        { sessions, cluster }: WebwireModuleOptions,
        manager: SessionManager,
        keyGenerator: SessionKeyGenerator,
      ) => (sessions === false ? null : createSessionService(manager, keyGenerator, sessions, cluster?.places)),
      inject: [MODULE_OPTIONS_TOKEN, SessionManager, SessionKeyGenerator],
    },
  ],
  exports: [WebwireService, SERVERS_BY_GATEWAY, SessionManager, SessionKeyGenerator],
})
export class WebwireModule extends ConfigurableModuleClass {
  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) options: WebwireModuleOptions,
    config: ApplicationConfig,
    moduleRef: ModuleRef,
  ) {
    super();
    checkModuleOptions(options);
    // Nest's own type says that there always is one.
    const installed = config.getIoAdapter() as object | null;
    if (installed instanceof WebwireAdapter) throw new Error('WebwireModule is imported twice; import it once');
    if (!installed) config.setIoAdapter(new WebwireAdapter(moduleRef));
    moveBeforeRoot(moduleRef);
  }

  /**
   * @param options Defaults for all gateways, options of single ones by class name, sessions, and the `imports` in which
   *   a session manager or key generator finds its dependencies.
   */
  static override forRoot(options: WebwireModuleOptions & Pick<ModuleMetadata, 'imports'> = {}): DynamicModule {
    const { imports = [], ...own } = options;
    const module = super.forRoot(own);
    return { ...module, imports: [...(module.imports ?? []), ...imports] };
  }

  /** Options made through DI, such as from a `ConfigService`: `useFactory`, `useClass` or `useExisting`. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }
}
