import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A request that an HTTP server received. It always has a target. */
export type ServerRequest = IncomingMessage & { url: string };

/** Gets the events of an HTTP server before its listeners. */
export interface UpgradeInterceptor {
  /**
   * Decides if Node.js emits `upgrade` or `request` for a request that offers another protocol. Only Node.js 22.21, 24.9 and
   * later call it; older versions emit `upgrade` for every such request if a listener exists.
   * @returns `undefined` to leave the decision to the HTTP server.
   */
  shouldUpgrade(request: ServerRequest): boolean | undefined;
  /**
   * Called for an `upgrade` event.
   * @returns `true` if the interceptor handled it, so that no listener gets it.
   */
  upgrade(request: ServerRequest, socket: Socket, head: Buffer): boolean;
  /** Called for a request before the application gets it. */
  request(request: ServerRequest, response: ServerResponse): void;
}

/** Events that pass a request and its response to the application. */
const REQUEST_EVENTS: ReadonlySet<unknown> = new Set(['request', 'checkContinue', 'checkExpectation']);

type Emit = (this: HttpServer, event: string | symbol, ...args: unknown[]) => boolean;

interface Interceptable {
  emit: Emit;
  shouldUpgradeCallback?: (request: ServerRequest) => boolean;
}

/**
 * Puts `interceptor` in front of all `upgrade` listeners of an HTTP server, permanently. It wraps `emit`, because a listener
 * cannot stop an event, and some listeners answer or destroy every upgrade that is not for them, as
 * `new WebSocketServer({ server, path })` of `ws` does. Listeners that are added or removed later, and other wrappers around
 * `emit`, work as before.
 */
export function interceptUpgrades(httpServer: HttpServer, interceptor: UpgradeInterceptor): void {
  const server = httpServer as unknown as Interceptable;
  const { emit, shouldUpgradeCallback } = server;
  server.emit = (event, ...args) => {
    if (event === 'upgrade') {
      if (interceptor.upgrade(...(args as [ServerRequest, Socket, Buffer]))) return true;
    } else if (REQUEST_EVENTS.has(event)) {
      interceptor.request(...(args as [ServerRequest, ServerResponse]));
    }
    return emit.call(httpServer, event, ...args);
  };
  server.shouldUpgradeCallback = (request) =>
    interceptor.shouldUpgrade(request) ??
    shouldUpgradeCallback?.call(httpServer, request) ??
    httpServer.listenerCount('upgrade') > 0;
}
