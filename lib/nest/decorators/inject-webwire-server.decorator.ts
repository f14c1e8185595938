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

/**
 * One provider for each use of the decorator. The array is itself the metadata of a module: decorators run before Nest
 * reads that, and have no other way to tell it what they need. What is in it concerns classes, as all metadata do, and no
 * application: one that does not inject a server makes none.
 */
export const injectedServers: FactoryProvider<WebwireServer>[] = [];

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
  const token = Symbol(isClass ? `WebwireServer of ${gateway.name}` : 'WebwireServer');
  injectedServers.push({
    provide: token,
    // Made for those who inject it, so that it fails in no application where nobody does.
    scope: Scope.TRANSIENT,
    inject: [SERVERS_BY_GATEWAY],
    useFactory: (servers: ServersByGateway) =>
      servers.serverOf(isClass ? gateway : gateway.forwardRef(), '@InjectWebwireServer()'),
  });
  return Inject(token);
}
