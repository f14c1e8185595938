import { Inject, Scope, type FactoryProvider, type ForwardReference, type Type } from '@nestjs/common';
import type { WebwireServer } from '../../server/server.js';

/** Finds the servers of an application by their gateways. */
export interface ServersByGateway {
  /**
   * @param asker Who wants to know, for the error.
   * @throws InvalidOptionError if the application has no such gateway.
   */
  serverOf(gateway: Type, asker: string): WebwireServer;
}

/** Injection token of an application's `ServersByGateway`. */
export const SERVERS_BY_GATEWAY = Symbol('SERVERS_BY_GATEWAY');

/** Provider of a server, one for each use of the decorator. It is made for those who inject it only. */
type InjectedServer = FactoryProvider<WebwireServer>;

/**
 * The providers of all uses of the decorator, as metadata of the `InjectedServersModule`: Nest reads them when it scans an
 * application. Files that are loaded later, such as those of lazily loaded modules, add theirs to the applications that
 * have been scanned by then.
 */
export const injectedServers: InjectedServer[] = [];

const scannedApplications = new Set<WeakRef<ProviderHost>>();

/** The part of Nest's `Module` that takes providers after the scan. */
export interface ProviderHost {
  readonly providers: ReadonlyMap<unknown, unknown>;
  addProvider(provider: InjectedServer): unknown;
  addExportedProviderOrModule(provider: InjectedServer): void;
}

/** Gives an application what the decorator asks for after the application was scanned. */
export function addScannedApplication(host: ProviderHost): void {
  for (const application of scannedApplications) {
    if (!application.deref()) scannedApplications.delete(application);
  }
  scannedApplications.add(new WeakRef(host));
  for (const provider of injectedServers) addLate(host, provider);
}

function addLate(host: ProviderHost, provider: InjectedServer): void {
  if (host.providers.has(provider.provide)) return;
  host.addProvider(provider);
  host.addExportedProviderOrModule(provider);
}

/**
 * Injects the `WebwireServer` that serves a gateway, the one that the gateway itself gets with `@WebSocketServer()`. It works
 * everywhere, also in what is made before the gateway; the server has an `address` when the application is ready.
 *
 * @param gateway The class of the gateway, or `forwardRef(() => AuthGateway)` where files import each other in a circle.
 * @throws TypeError if that is no class. InvalidOptionError, at start, if the application has no such gateway.
 * @example
 * constructor(@InjectWebwireServer(AuthGateway) private readonly server: WebwireServer) {}
 */
export function InjectWebwireServer(
  gateway: Type | ForwardReference<() => Type>,
): PropertyDecorator & ParameterDecorator {
  const isClass = typeof gateway === 'function';
  if (!isClass && typeof gateway?.forwardRef !== 'function') {
    throw new TypeError(
      `@InjectWebwireServer() needs the class of a gateway, and got ${typeof gateway}; ` +
        'where files import each other in a circle, give it forwardRef(() => AuthGateway)',
    );
  }
  const token = Symbol(`WebwireServer${isClass ? ` of ${gateway.name}` : ''}, which WebwireModule provides`);
  const provider: InjectedServer = {
    provide: token,
    scope: Scope.TRANSIENT,
    inject: [SERVERS_BY_GATEWAY],
    useFactory: (servers: ServersByGateway) =>
      servers.serverOf(isClass ? gateway : gateway.forwardRef(), '@InjectWebwireServer()'),
  };
  injectedServers.push(provider);
  for (const application of scannedApplications) {
    const host = application.deref();
    if (host) addLate(host, provider);
  }
  return Inject(token);
}
