import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency, Type } from '@nestjs/common';
import type { ClientUrl, Fresh, WebwireClientOptions } from '../client/index.js';

/** The server URL of a client, and its options. */
export interface WebwireClientModuleOptions extends WebwireClientOptions {
  /** URL of the server, such as `ws://localhost:3000/`, or a function that is called before each attempt to connect. */
  url: Fresh<ClientUrl>;
}

/** A client of `WebwireClientModule.register()`. */
export interface WebwireClientRegistration extends WebwireClientModuleOptions {
  /** Name for `@InjectWebwireClient(name)`. */
  name: string;
}

/** Implemented by a class for `useClass` or `useExisting` of `registerAsync()`. */
export interface WebwireClientOptionsFactory {
  /** Returns the URL and the options of the client. */
  createWebwireClientOptions(): WebwireClientModuleOptions | Promise<WebwireClientModuleOptions>;
}

/** A client of `WebwireClientModule.registerAsync()`. Set one of `useFactory`, `useClass` and `useExisting`. */
export interface WebwireClientAsyncRegistration extends Pick<ModuleMetadata, 'imports'> {
  /** Name for `@InjectWebwireClient(name)`. */
  name: string;
  useFactory?: (
    // eslint-disable-next-line typescript/no-explicit-any -- as in Nest: the types depend on `inject`
    ...dependencies: any[]
  ) => WebwireClientModuleOptions | Promise<WebwireClientModuleOptions>;
  /** Injection tokens of the factory's arguments. */
  inject?: (InjectionToken | OptionalFactoryDependency)[] | undefined;
  useClass?: Type<WebwireClientOptionsFactory>;
  useExisting?: InjectionToken<WebwireClientOptionsFactory>;
}

/** Clients, or an object with clients and the scope of the module. */
export type WebwireClientRegistrations<Registration> =
  | readonly Registration[]
  | {
      clients: readonly Registration[];
      /**
       * Lets all modules of the application inject the clients.
       * @default false
       */
      isGlobal?: boolean;
    };
