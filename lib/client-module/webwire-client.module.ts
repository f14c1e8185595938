import { Module, type DynamicModule, type FactoryProvider, type Provider } from '@nestjs/common';
import { WebSocket } from 'ws';
import { WebwireClient } from '../client/index.js';
import { ConnectedClients } from './connected-clients.js';
import { getWebwireClientToken } from './inject-webwire-client.decorator.js';
import type {
  WebwireClientAsyncRegistration,
  WebwireClientModuleOptions,
  WebwireClientOptionsFactory,
  WebwireClientRegistration,
  WebwireClientRegistrations,
} from './webwire-client-options.js';

/**
 * Provides clients of WebWire servers, each injected by its name. They connect in the background when the application has
 * started, and reconnect unless their option `reconnect` is `false`. When the application closes, its handlers finish first, then
 * the clients close.
 *
 * @example
 * @Module({ imports: [WebwireClientModule.register([{ name: 'prices', url: 'ws://prices:3000' }])] })
 */
@Module({})
export class WebwireClientModule {
  /**
   * @param registrations Clients, or `{ clients, isGlobal }`.
   * @throws TypeError for a name that is missing, empty or used twice. When the application starts, `new WebwireClient()` may
   *   throw an InvalidOptionError.
   */
  static register(registrations: WebwireClientRegistrations<WebwireClientRegistration>): DynamicModule {
    return defineModule(registrations, ({ name, ...options }) => [
      { provide: getWebwireClientToken(name), useFactory: () => createWebwireClient(options) },
    ]);
  }

  /**
   * Registers clients whose options come from a factory with injected dependencies, such as a `ConfigService`. Each client has
   * one of `useFactory`, `useClass` and `useExisting`.
   *
   * @param registrations Clients, or `{ clients, isGlobal }`.
   * @throws Errors of `register()`, and a TypeError for a client without options.
   */
  static registerAsync(registrations: WebwireClientRegistrations<WebwireClientAsyncRegistration>): DynamicModule {
    return defineModule(registrations, providersOf);
  }
}

function providersOf({ name, useFactory, inject, useClass, useExisting }: WebwireClientAsyncRegistration): Provider[] {
  const token = getWebwireClientToken(name);
  if (useFactory) {
    const make = async (...dependencies: unknown[]) => createWebwireClient(await useFactory(...dependencies));
    return [{ provide: token, inject, useFactory: make }];
  }
  const factory = useExisting ?? useClass;
  if (!factory) {
    throw new TypeError(`client ${JSON.stringify(name)} has no options: give useFactory, useClass or useExisting`);
  }
  const client: FactoryProvider<WebwireClient> = {
    provide: token,
    inject: [factory],
    useFactory: async (options: WebwireClientOptionsFactory) =>
      createWebwireClient(await options.createWebwireClientOptions()),
  };
  return useClass && !useExisting ? [useClass, client] : [client];
}

function defineModule<Registration extends { name: string; imports?: DynamicModule['imports'] }>(
  registrations: WebwireClientRegistrations<Registration>,
  providers: (registration: Registration) => Provider[],
): DynamicModule {
  const { clients, isGlobal = false } = 'clients' in registrations ? registrations : { clients: registrations };
  const names = clients.map(({ name }) => name);
  assertNames(names);
  const tokens = names.map(getWebwireClientToken);
  const connected: FactoryProvider<ConnectedClients> = {
    provide: ConnectedClients,
    inject: tokens,
    // Values that are no clients are skipped, because a test may have overridden the provider of a client.
    useFactory: (...made: unknown[]) =>
      new ConnectedClients(
        new Map(made.flatMap((one, index) => (one instanceof WebwireClient ? [[names[index]!, one]] : []))),
      ),
  };
  return {
    module: WebwireClientModule,
    global: isGlobal,
    imports: clients.flatMap(({ imports = [] }) => imports),
    providers: [...clients.flatMap(providers), connected],
    exports: tokens,
  };
}

function assertNames(names: readonly unknown[]): void {
  for (const [index, name] of names.entries()) {
    if (typeof name !== 'string' || name === '') {
      throw new TypeError(
        `client ${index + 1} of WebwireClientModule needs a name by which it is injected: a non-empty string`,
      );
    }
    if (names.indexOf(name) !== index) {
      throw new TypeError(`two clients of WebwireClientModule have the name ${JSON.stringify(name)}`);
    }
  }
}

/** The default is `WebSocket` of the package `ws`, because Node.js 20 has none. */
function createWebwireClient({ url, ...options }: WebwireClientModuleOptions): WebwireClient {
  return new WebwireClient(url, { webSocket: WebSocket, ...options });
}
