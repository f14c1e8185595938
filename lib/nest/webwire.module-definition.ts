import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { WebwireModuleOptions } from './options/module-options.js';

/** Injection token of the checked options of the module. */
export const CHECKED_OPTIONS = Symbol('options of WebwireModule');

/** Makes the options of `WebwireModule.forRootAsync({ useClass })`. */
export interface WebwireOptionsFactory {
  /** Called once, when the application starts. */
  createWebwireOptions(): WebwireModuleOptions | Promise<WebwireModuleOptions>;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<WebwireModuleOptions>({ moduleName: 'Webwire' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createWebwireOptions')
    .build();
