import {
  Global,
  Inject,
  Logger,
  Module,
  type DynamicModule,
  type ModuleMetadata,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { ApplicationConfig, ModuleRef, ModulesContainer } from '@nestjs/core';
import { LocalClusterNode } from './cluster-node.js';
import { SERVERS_BY_GATEWAY } from './decorators/inject-webwire-server.decorator.js';
import { InjectedServersModule, provideInjectedServers } from './decorators/injected-servers.module.js';
import { MODULE_METADATA } from './internals/nest-internals.js';
import { markAsModulesOwn } from './internals/serving-adapter.js';
import { assertContractsServed } from './servers/unserved-entries.js';
import { assertHandlersServed, hasGateways } from './servers/unserved-handlers.js';
import { ServerRegistry } from './servers/server-registry.js';
import type { SessionOptions } from './options/session-options.js';
import {
  createSessionService,
  initializeAfterOtherModules,
  provideKeyGenerator,
  provideSessionManager,
  SESSION_SERVICE,
} from './session.providers.js';
import { quiet } from '../common/logger.js';
import { InvalidOptionError } from '../common/options.js';
import { SessionKeyGenerator } from '../session/session-key-generator.js';
import { SessionManager } from '../session/session-manager.js';
import { WebwireAdapter } from './webwire.adapter.js';
import { checkGivenOptions, contractsIn, type WebwireModuleOptions } from './options/module-options.js';
import {
  ASYNC_OPTIONS_TYPE,
  CHECKED_OPTIONS,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
} from './webwire.module-definition.js';
import { WebwireService } from './webwire.service.js';

function provideFrom<T>(provide: (sessions: SessionOptions | false, moduleRef: ModuleRef) => Promise<T>) {
  return ({ sessions = {} }: WebwireModuleOptions, moduleRef: ModuleRef): Promise<T> => provide(sessions, moduleRef);
}

/**
 * Makes the gateways of an application speak WebWire: installs the `WebwireAdapter`, unless another adapter is installed.
 * Import it once, in the root module. It is global, so that all modules can inject `WebwireService`, and the `SessionManager`
 * and `SessionKeyGenerator` in use.
 *
 * @throws InvalidOptionError, when the application starts, for an invalid option.
 */
@Global()
@Module({
  imports: [InjectedServersModule],
  providers: [
    LocalClusterNode,
    WebwireService,
    // forRoot() and forRootAsync() replace this provider. Without them, the check of the options fails.
    { provide: MODULE_OPTIONS_TOKEN, useValue: undefined },
    { provide: CHECKED_OPTIONS, useFactory: checkGivenOptions, inject: [MODULE_OPTIONS_TOKEN] },
    {
      provide: SERVERS_BY_GATEWAY,
      useFactory: (modules: ModulesContainer, options: WebwireModuleOptions) => new ServerRegistry(modules, options),
      inject: [ModulesContainer, CHECKED_OPTIONS],
    },
    {
      provide: SessionManager,
      useFactory: provideFrom(provideSessionManager),
      inject: [CHECKED_OPTIONS, ModuleRef],
    },
    {
      provide: SessionKeyGenerator,
      useFactory: provideFrom(provideKeyGenerator),
      inject: [CHECKED_OPTIONS, ModuleRef],
    },
    {
      provide: SESSION_SERVICE,
      useFactory: (
        { sessions, cluster }: WebwireModuleOptions,
        manager: SessionManager,
        keyGenerator: SessionKeyGenerator,
      ) => (sessions === false ? null : createSessionService(manager, keyGenerator, sessions, cluster?.places)),
      inject: [CHECKED_OPTIONS, SessionManager, SessionKeyGenerator],
    },
  ],
  exports: [WebwireService, SERVERS_BY_GATEWAY, SessionManager, SessionKeyGenerator],
})
export class WebwireModule extends ConfigurableModuleClass implements OnModuleInit {
  constructor(
    private readonly config: ApplicationConfig,
    private readonly modules: ModulesContainer,
    @Inject(CHECKED_OPTIONS) private readonly options: WebwireModuleOptions,
    moduleRef: ModuleRef,
  ) {
    super();
    assertImportedOnce(modules);
    provideInjectedServers(modules);
    // The type of Nest does not say that no adapter may be installed.
    if (!(config.getIoAdapter() as object | null)) {
      const adapter = new WebwireAdapter(moduleRef);
      markAsModulesOwn(adapter);
      config.setIoAdapter(adapter);
    }
    initializeAfterOtherModules(moduleRef);
  }

  /** @throws Error for handlers that can never be called. */
  onModuleInit(): void {
    const logger = quiet(new Logger('Webwire'));
    assertHandlersServed(this.modules, this.config, logger);
    // Without a gateway, Nest does not ask the adapter for a server, which makes this check otherwise.
    if (!hasGateways(this.modules)) assertContractsServed([], contractsIn(this.options), logger);
    // A node of a cluster needs no gateway: it may only send signals.
    if (this.options.cluster || hasGateways(this.modules)) return;
    logger.warn(
      'WebwireModule is imported, but no module provides a gateway, so that no client can connect: ' +
        'decorate a class with @WebwireGateway() and add it to the providers of a module',
    );
  }

  /**
   * @param options Defaults for all gateways, options of single gateways by name, sessions, and `imports`: the modules whose
   *   exports a session manager or key generator injects.
   */
  static override forRoot(options: WebwireModuleOptions & Pick<ModuleMetadata, 'imports'> = {}): DynamicModule {
    const { imports = [], ...own } = options;
    const module = super.forRoot(own);
    return { ...module, imports: [...(module.imports ?? []), ...imports] };
  }

  /** Takes options from a provider, such as a `ConfigService`: `useFactory`, `useClass` or `useExisting`. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }
}

/** @throws InvalidOptionError, with the names of the importing modules whose `@Module()` decorator lists it. */
function assertImportedOnce(modules: ModulesContainer): void {
  const all = [...modules.values()].map(({ metatype }) => metatype);
  if (all.filter((metatype) => metatype === WebwireModule).length < 2) return;
  const importers = all.filter((metatype) => importsOf(metatype).some(isImportOfWebwireModule)).map(({ name }) => name);
  const where = importers.length > 0 ? `, by ${[...new Set(importers)].join(' and ')}` : '';
  throw new InvalidOptionError(
    `WebwireModule is imported twice${where}: import it once, in the root module; it is global`,
  );
}

function importsOf(module: Type): unknown[] {
  return (Reflect.getMetadata(MODULE_METADATA.IMPORTS, module) ?? []) as unknown[];
}

function isImportOfWebwireModule(imported: unknown): boolean {
  return imported === WebwireModule || (imported as Partial<DynamicModule> | undefined)?.module === WebwireModule;
}
