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
 * Gives an application clients of WebWire servers, each injected by its name. They connect when the application is ready,
 * in the background, and again whenever the connection is lost, unless `reconnect` is `false`; when the application is
 * closed they close, after its handlers have finished.
 *
 * @example
 * @Module({ imports: [WebwireClientModule.register([{ name: 'prices', url: 'ws://prices:3000' }])] })
 */
@Module({})
export class WebwireClientModule {
  /**
   * @param registrations Clients, or `{ clients, isGlobal }`.
   * @throws TypeError for a name that is none or is given twice; at start, what `new WebwireClient()` throws.
   */
  static register(registrations: WebwireClientRegistrations<WebwireClientRegistration>): DynamicModule {
    return provide(registrations, ({ name, ...options }) => [
      { provide: getWebwireClientToken(name), useFactory: () => createClient(options) },
    ]);
  }

  /**
   * Clients whose options are made through DI, such as from a `ConfigService`: `useFactory`, `useClass` or `useExisting`.
   *
   * @param registrations Clients, or `{ clients, isGlobal }`.
   * @throws as `register()`.
   */
  static registerAsync(registrations: WebwireClientRegistrations<WebwireClientAsyncRegistration>): DynamicModule {
    return provide(registrations, providersOf);
  }
}

function providersOf({ name, useFactory, inject, useClass, useExisting }: WebwireClientAsyncRegistration): Provider[] {
  const token = getWebwireClientToken(name);
  if (useFactory) {
    const make = async (...dependencies: unknown[]) => createClient(await useFactory(...dependencies));
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
      createClient(await options.createWebwireClientOptions()),
  };
  return useClass && !useExisting ? [useClass, client] : [client];
}

function provide<Registration extends { name: string; imports?: DynamicModule['imports'] }>(
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
    // A test may have put something else in the place of a client.
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
      throw new TypeError(`client ${index + 1} of WebwireClientModule needs a name to be injected by: a string`);
    }
    if (names.indexOf(name) !== index) {
      throw new TypeError(`two clients of WebwireClientModule have the name ${JSON.stringify(name)}`);
    }
  }
}

/** Node.js has a WebSocket of its own from version 22 on, which cannot be told from which address, or with which headers. */
function createClient({ url, ...options }: WebwireClientModuleOptions): WebwireClient {
  return new WebwireClient(url, { webSocket: WebSocket, ...options });
}
