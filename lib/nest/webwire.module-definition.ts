import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { WebwireModuleOptions } from './options/module-options.js';

/** Implemented by a class that `WebwireModule.forRootAsync({ useClass })` makes the options with. */
export interface WebwireOptionsFactory {
  createWebwireOptions(): WebwireModuleOptions | Promise<WebwireModuleOptions>;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<WebwireModuleOptions>({ moduleName: 'Webwire' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createWebwireOptions')
    .build();
