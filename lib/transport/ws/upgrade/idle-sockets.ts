import {
  Server as PlainHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer, type TLSSocket } from 'node:tls';

/** Unfinished HTTP/1.1 requests of one socket. */
interface Activity {
  requests: number;
  /** Called when the last response is finished. */
  onIdle: (() => void) | undefined;
}

/**
 * Tracks the HTTP/1.1 sockets of an HTTP server and their unfinished requests. When an HTTP server closes, Node.js waits for
 * ever for sockets that never sent a whole request, so this class ends them. It ignores HTTP/2 sockets: one socket carries many
 * requests, and Node.js has other events for them.
 */
export class IdleSockets {
  readonly #activities = new Map<Socket, Activity>();
  /** Connections of a TLS server whose TLS handshake has not finished, by their keys. */
  readonly #handshaking = new Map<unknown, Socket>();

  constructor(private readonly httpServer: HttpServer) {
    if (httpServer instanceof TlsServer)
      httpServer.on('connection', this.#addHandshaking).on('secureConnection', this.#addSecure);
    else if (httpServer instanceof PlainHttpServer) httpServer.on('connection', this.#add);
  }

  /** Counts a request until its response is finished or the socket is closed. */
  track({ socket }: IncomingMessage, response: ServerResponse): void {
    const activity = this.#activities.get(socket);
    if (!activity) return;
    activity.requests++;
    response.once('close', () => {
      activity.requests--;
      if (activity.requests === 0) activity.onIdle?.();
    });
  }

  /**
   * Stops tracking a socket because of an upgrade, if the responses to its earlier requests are finished.
   * @param onIdle Called when these responses are finished, if the result is `true`.
   * @returns `true` if some of these responses are not finished yet.
   */
  release(socket: Socket, onIdle: () => void): boolean {
    const activity = this.#activities.get(socket);
    if (activity && activity.requests > 0) {
      activity.onIdle = onIdle;
      return true;
    }
    this.#activities.delete(socket);
    socket.off('close', this.#forget);
    return false;
  }

  /** Stops tracking and destroys the idle sockets. */
  close(): void {
    this.httpServer
      .off('connection', this.#addHandshaking)
      .off('secureConnection', this.#addSecure)
      .off('connection', this.#add);
    for (const socket of this.#handshaking.values()) socket.destroy();
    for (const [socket, { requests }] of this.#activities) if (requests === 0) socket.destroy();
  }

  readonly #addHandshaking = (socket: Socket): void => {
    const key = keyOf(socket);
    this.#handshaking.set(key, socket);
    socket.once('close', () => this.#handshaking.delete(key));
  };

  readonly #addSecure = (socket: TLSSocket): void => {
    this.#handshaking.delete(keyOf(socket));
    if (socket.alpnProtocol !== 'h2') this.#add(socket);
  };

  readonly #add = (socket: Socket): void => {
    this.#activities.set(socket, { requests: 0, onIdle: undefined });
    socket.once('close', this.#forget);
  };

  /** All sockets share this listener. It finds its socket in `this`. */
  readonly #forget = ((activities: Map<Socket, Activity>) =>
    function forget(this: Socket): void {
      activities.delete(this);
    })(this.#activities);
}

/**
 * A key that a TLS socket and its connection have in common: their addresses, or the connection itself if it is a Unix domain
 * socket, which has no addresses.
 */
function keyOf(socket: Socket & { readonly _parent?: Socket }): unknown {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  // oxlint-disable-next-line no-underscore-dangle -- not documented, but the only reference to the connection
  if (remoteAddress === undefined) return socket._parent ?? socket;
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
