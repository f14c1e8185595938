import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { refuse } from './http-refusal.js';
import { IdleSockets } from './idle-sockets.js';

/** Takes an upgrade request that reached its path. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Leads the upgrade requests of one HTTP server to the handler of their path. */
export class UpgradeRouter {
  readonly #handlers = new Map<string, UpgradeHandler>();
  readonly #idleSockets: IdleSockets;

  constructor(readonly httpServer: HttpServer) {
    this.#idleSockets = new IdleSockets(httpServer);
    httpServer.on('upgrade', this.#route);
  }

  get isEmpty(): boolean {
    return this.#handlers.size === 0;
  }

  /** @throws if the path is taken. */
  add(path: string, handler: UpgradeHandler): void {
    if (this.#handlers.has(path)) throw new Error(`two WebWire servers claim the path ${path} of one HTTP server`);
    this.#handlers.set(path, handler);
  }

  /** The last one to leave stops listening for upgrades: the HTTP server is about to close. */
  remove(path: string): void {
    this.#handlers.delete(path);
    if (!this.isEmpty) return;
    this.httpServer.off('upgrade', this.#route);
    this.#idleSockets.close();
  }

  readonly #route = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    this.#idleSockets.remove(socket as Socket);
    const handler = this.#handlers.get(pathOf(request.url));
    if (handler) handler(request, socket, head);
    else if (this.httpServer.listenerCount('upgrade') === 1) refuse(socket, 404, 'no WebWire server here');
  };
}

/** Of the target in origin form (`/path?query`), or in absolute form (`http://host/path`), which servers have to accept. */
function pathOf(url = '/'): string {
  const [, path = '/'] = /^(?:[a-z][a-z0-9+.-]*:\/\/[^/?#]*)?([^?#]*)/i.exec(url) ?? [];
  return path === '' ? '/' : path;
}
