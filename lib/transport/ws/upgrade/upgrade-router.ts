import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { HandshakeRejection } from '../../../server/handshake.js';
import type { WebwireServer } from '../../../server/server.js';
import { destroySocket } from '../destroy-socket.js';
import { IdleSockets } from './idle-sockets.js';
import { interceptUpgrades, type ServerRequest, type UpgradeInterceptor } from './intercept-upgrades.js';
import { hasBody, offersHttpOnly, offersWebSocket } from './opening-handshake.js';
import { pathOf } from './path-of.js';
import { rejectUpgrade } from './reject-upgrade.js';
import { restoreHeader, resumeHttp } from './resume-http.js';
import { UnansweredUpgrades } from './unanswered-upgrades.js';

/** Handles an upgrade request that offers WebSocket at the path of a server. */
export type UpgradeHandler = (request: ServerRequest, socket: Socket, head: Buffer) => void;

interface Target {
  readonly server: WebwireServer;
  readonly handle: UpgradeHandler;
}

const IS_BUN = process.versions.bun !== undefined;

const ROUTERS = new WeakMap<HttpServer, UpgradeRouter>();

/**
 * Routes the upgrade requests of one HTTP server by path to WebWire servers. Listeners of the application get all other
 * upgrade requests. If they leave one unanswered, it gets 404 if it offers WebSocket, else the HTTP server handles it as an
 * ordinary request.
 */
export class UpgradeRouter implements UpgradeInterceptor {
  readonly #targets = new Map<string, Target>();
  readonly #unanswered = new UnansweredUpgrades();
  readonly #seen = new WeakSet<IncomingMessage>();
  /** Absent while there is no WebWire server. */
  #idleSockets: IdleSockets | undefined;
  /** Time that other listeners have to answer, in milliseconds: the longest `handshakeTimeout`. */
  #timeout = 0;

  /** Returns the router of an HTTP server. All transports on that server share it. */
  static of(httpServer: HttpServer): UpgradeRouter {
    let router = ROUTERS.get(httpServer);
    if (!router) {
      router = new UpgradeRouter(httpServer);
      ROUTERS.set(httpServer, router);
      interceptUpgrades(httpServer, router);
    }
    return router;
  }

  private constructor(readonly httpServer: HttpServer) {}

  get isEmpty(): boolean {
    return this.#targets.size === 0;
  }

  /** @throws Error if another server has the same path. */
  add(server: WebwireServer, handle: UpgradeHandler): void {
    const { path, handshakeTimeout } = server.options;
    if (this.#targets.has(path)) {
      throw new Error(
        `two WebWire servers claim the path ${path} of one HTTP server: give one of them another path or port`,
      );
    }
    this.#targets.set(path, { server, handle });
    this.#timeout = Math.max(this.#timeout, handshakeTimeout);
    if (this.#idleSockets) return;
    this.#idleSockets = new IdleSockets(this.httpServer);
    this.httpServer.on('upgrade', this.#listen);
  }

  /** With the last server, ends unanswered upgrades and idle sockets, because the HTTP server is about to close. */
  remove({ options: { path } }: WebwireServer): void {
    if (this.#targets.size === 1 && this.#targets.has(path)) {
      this.httpServer.off('upgrade', this.#listen);
      this.#unanswered.close();
      this.#idleSockets?.close();
      this.#idleSockets = undefined;
    }
    this.#targets.delete(path);
  }

  /** Reports a refusal to the server of the requested path; if there is none, to all servers of the HTTP server. */
  reportRefusal(request: ServerRequest, rejection: HandshakeRejection): void {
    const target = this.#targets.get(pathOf(request.url));
    for (const { server } of target ? [target] : this.#targets.values()) server.reportRefusal(request, rejection);
  }

  shouldUpgrade(request: ServerRequest): boolean | undefined {
    if (offersWebSocket(request)) return this.#targets.has(pathOf(request.url)) || undefined;
    // Node.js could not read the body a second time. It drops requests that follow a refused offer in the same packet, so other
    // offers are not refused here, but passed to the server again. Bun drops those that follow an offer that is passed on.
    return hasBody(request) || (IS_BUN && this.#isAlone) ? false : undefined;
  }

  upgrade(request: ServerRequest, socket: Socket, head: Buffer): boolean {
    this.#seen.add(request);
    const isEarly = this.#idleSockets?.release(socket, () => {
      socket.off('error', destroySocket);
      if (!socket.destroyed) this.httpServer.emit('upgrade', request, socket, head);
    });
    if (isEarly) {
      socket.on('error', destroySocket);
      return true;
    }
    return this.#route(request, socket, head);
  }

  request(request: ServerRequest, response: ServerResponse): void {
    restoreHeader(request);
    this.#idleSockets?.track(request, response);
  }

  #route(request: ServerRequest, socket: Socket, head: Buffer): boolean {
    const isWebSocket = offersWebSocket(request);
    const target = isWebSocket ? this.#targets.get(pathOf(request.url)) : undefined;
    if (target) {
      target.handle(request, socket, head);
      return true;
    }
    const giveUp = () => {
      if (isWebSocket) this.#rejectUnknownPath(request, socket);
      else resumeHttp(this.httpServer, request, socket, head);
    };
    if (this.#isAlone) {
      giveUp();
      return true;
    }
    if (offersHttpOnly(request)) this.#unanswered.addUnlikely(socket, this.#timeout, giveUp);
    else this.#unanswered.add(socket, this.#timeout, giveUp);
    return false;
  }

  /** `true` if the HTTP server has no other `upgrade` listeners. */
  get #isAlone(): boolean {
    return this.httpServer.listenerCount('upgrade') === (this.#idleSockets ? 1 : 0);
  }

  #rejectUnknownPath(request: ServerRequest, socket: Socket): void {
    const rejection = new HandshakeRejection(404, 'no WebWire server here');
    this.reportRefusal(request, rejection);
    rejectUpgrade(socket, rejection.status, rejection.message);
  }

  /** Node.js emits `upgrade` only if a listener exists. This one gets requests only if the application has replaced `emit`. */
  readonly #listen = (request: ServerRequest, socket: Socket, head: Buffer): void => {
    if (!this.#seen.has(request)) this.upgrade(request, socket, head);
  };
}
