import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { WebwireModuleOptions } from './options/module-options.js';

/** Injection token of the options of the module, checked: all that needs options injects these. */
export const CHECKED_OPTIONS = Symbol('options of WebwireModule');

/** Implemented by a class that `WebwireModule.forRootAsync({ useClass })` makes the options with. */
export interface WebwireOptionsFactory {
  createWebwireOptions(): WebwireModuleOptions | Promise<WebwireModuleOptions>;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<WebwireModuleOptions>({ moduleName: 'Webwire' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createWebwireOptions')
    .build();
