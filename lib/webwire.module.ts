import { Inject, Module, type DynamicModule } from '@nestjs/common';
import { ApplicationConfig, ModuleRef } from '@nestjs/core';
import { WebwireAdapter } from './webwire.adapter.js';
import { checkModuleOptions, type WebwireModuleOptions } from './webwire-options.js';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  OPTIONS_TYPE,
} from './webwire.module-definition.js';

/**
 * Makes the gateways of an application speak WebWire, by installing the `WebwireAdapter` unless another adapter is
 * installed. Imported once, in the root module.
 *
 * @throws InvalidOptionError, at start, for an option that cannot be used.
 */
@Module({})
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
    if (!installed) config.setIoAdapter(new WebwireAdapter(moduleRef, options));
  }

  /** @param options Defaults for all gateways, and options of single ones by class name. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.forRoot(options);
  }

  /** Options made through DI, such as from a `ConfigService`: `useFactory`, `useClass` or `useExisting`. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }
}
