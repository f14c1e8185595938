import { Inject, Scope, type FactoryProvider, type ForwardReference, type Type } from '@nestjs/common';
import type { WebwireServer } from '../../server/server.js';
import { addLateProvider, type ProviderHost } from '../internals/late-providers.js';

/** Finds the servers of an application by their gateways. */
export interface ServersByGateway {
  /**
   * @param caller The calling method or decorator, for the error.
   * @throws InvalidOptionError if the application has no such gateway.
   */
  serverOf(gateway: Type, caller: string): WebwireServer;
}

/** Injection token of an application's `ServersByGateway`. */
export const SERVERS_BY_GATEWAY = Symbol('SERVERS_BY_GATEWAY');

/** Provides one server to one use of the decorator. It is transient, so that Nest runs the factory only if it is injected. */
type InjectedServer = FactoryProvider<WebwireServer>;

/**
 * The providers of all uses of the decorator. This array is the `providers` of `InjectedServersModule`, which Nest reads when
 * it scans an application. Files that are loaded later, such as those of lazily loaded modules, add their providers to the
 * applications that Nest has already scanned.
 */
export const injectedServers: InjectedServer[] = [];

const scannedApplications = new Set<WeakRef<ProviderHost>>();

/** Adds the providers that an application lacks. It also gets the providers of files that are loaded from now on. */
export function addScannedApplication(host: ProviderHost): void {
  for (const application of scannedApplications) {
    if (!application.deref()) scannedApplications.delete(application);
  }
  scannedApplications.add(new WeakRef(host));
  for (const provider of injectedServers) addLateProvider(host, provider);
}

/**
 * Injects the `WebwireServer` of a gateway, the one that the gateway itself gets with `@WebSocketServer()`. It works in all
 * providers, also in those that Nest makes before the gateway. The server has an `address` once the application has started.
 *
 * @param gateway The class of the gateway, or `forwardRef(() => AuthGateway)` if files import each other in a circle.
 * @throws TypeError if `gateway` is neither. The start of the application fails with an InvalidOptionError if no module has this
 *   gateway.
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
    if (host) addLateProvider(host, provider);
  }
  return Inject(token);
}
