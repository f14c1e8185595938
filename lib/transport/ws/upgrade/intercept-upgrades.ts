import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A request that an HTTP server got, which always has a target. */
export type ServerRequest = IncomingMessage & { url: string };

/** Gets the events of an HTTP server before its listeners do. */
export interface UpgradeInterceptor {
  /**
   * Decides whether a request that offers another protocol becomes an `upgrade` event, or else a `request` event. Asked by
   * Node.js 22.21, 24.9 and later only; older versions emit `upgrade` for every such request once something listens.
   * @returns `undefined` to leave it to the HTTP server.
   */
  shouldUpgrade(request: ServerRequest): boolean | undefined;
  /**
   * Gets an `upgrade` event.
   * @returns Whether it was taken, so that no listener gets it.
   */
  upgrade(request: ServerRequest, socket: Socket, head: Buffer): boolean;
  /** Gets the event of a request that the application is about to answer. */
  request(request: ServerRequest, response: ServerResponse): void;
}

/** The events with which Node.js hands a request and its response to the application. */
const REQUEST_EVENTS: ReadonlySet<unknown> = new Set(['request', 'checkContinue', 'checkExpectation']);

type Emit = (this: HttpServer, event: string | symbol, ...args: unknown[]) => boolean;

interface Interceptable {
  emit: Emit;
  shouldUpgradeCallback?: (request: ServerRequest) => boolean;
}

/**
 * Puts `interceptor` in front of all `upgrade` listeners of an HTTP server, for as long as the server lives. An event has
 * no way to stop at one of its listeners, and some listeners answer or destroy every upgrade that is not for them, as
 * `new WebSocketServer({ server, path })` of `ws` does. `emit` is therefore wrapped: listeners that are added or removed
 * later, and other wrappers around `emit`, work as before.
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
