import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency, Type } from '@nestjs/common';
import type { ClientOptions } from '../client/index.js';

/** Where a client connects to, and how. */
export interface WebwireClientModuleOptions extends ClientOptions {
  /** Of the server: `ws://localhost:3000/`. */
  url: string;
}

/** A client of `WebwireClientModule.register()`. */
export interface WebwireClientRegistration extends WebwireClientModuleOptions {
  /** Under which it is injected, with `@InjectWebwireClient(name)`. */
  name: string;
}

/** Implemented by a class that `registerAsync({ useClass })` makes the options of a client with. */
export interface WebwireClientOptionsFactory {
  createWebwireClientOptions(): WebwireClientModuleOptions | Promise<WebwireClientModuleOptions>;
}

/** A client of `WebwireClientModule.registerAsync()`, whose options are made through DI: one of `useFactory`, `useClass`, `useExisting`. */
export interface WebwireClientAsyncRegistration extends Pick<ModuleMetadata, 'imports'> {
  /** Under which it is injected, with `@InjectWebwireClient(name)`. */
  name: string;
  useFactory?: (
    // eslint-disable-next-line typescript/no-explicit-any -- as in Nest: what is injected is the user's to know
    ...dependencies: any[]
  ) => WebwireClientModuleOptions | Promise<WebwireClientModuleOptions>;
  /** What the factory gets. */
  inject?: (InjectionToken | OptionalFactoryDependency)[] | undefined;
  useClass?: Type<WebwireClientOptionsFactory>;
  useExisting?: InjectionToken<WebwireClientOptionsFactory>;
}

/** Several clients, or those and whether all modules see them. */
export type WebwireClientRegistrations<Registration> =
  | readonly Registration[]
  | {
      clients: readonly Registration[];
      /**
       * Whether every module of the application can inject them.
       * @default false
       */
      isGlobal?: boolean;
    };
