import {
  Server as PlainHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer, type TLSSocket } from 'node:tls';

/** HTTP/1.1 requests of one socket whose responses are not finished. */
interface Activity {
  requests: number;
  /** Called when there are none any more. */
  onIdle: (() => void) | undefined;
}

/**
 * The HTTP/1.1 sockets of an HTTP server, and the requests that are being answered on each. When an HTTP server closes, Node.js
 * waits for ever for sockets that never sent a whole request, so these have to be ended. HTTP/2 sockets are left alone: one
 * socket carries many requests, and Node.js has events of its own for them.
 */
export class IdleSockets {
  readonly #activities = new Map<Socket, Activity>();
  /** Of a TLS server: connections whose TLS handshake has not finished yet, by their peer. */
  readonly #insecure = new Map<string, Socket>();

  constructor(private readonly httpServer: HttpServer) {
    if (httpServer instanceof TlsServer) httpServer.on('connection', this.#begin).on('secureConnection', this.#secure);
    else if (httpServer instanceof PlainHttpServer) httpServer.on('connection', this.#add);
  }

  /** Counts a request until its response is finished or the socket is closed. */
  answering({ socket }: IncomingMessage, response: ServerResponse): void {
    const activity = this.#activities.get(socket);
    if (!activity) return;
    activity.requests++;
    response.once('close', () => {
      activity.requests--;
      if (activity.requests === 0) activity.onIdle?.();
    });
  }

  /**
   * Forgets a socket that has left HTTP because of an upgrade.
   * @param onIdle Called when the responses to all earlier requests of the socket are finished, if some are not.
   * @returns Whether some are not.
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

  /** Stops watching, and ends the idle ones. */
  close(): void {
    this.httpServer.off('connection', this.#begin).off('secureConnection', this.#secure).off('connection', this.#add);
    for (const socket of this.#insecure.values()) socket.destroy();
    for (const [socket, { requests }] of this.#activities) if (requests === 0) socket.destroy();
  }

  readonly #begin = (socket: Socket): void => {
    const peer = peerOf(socket);
    this.#insecure.set(peer, socket);
    socket.once('close', () => this.#insecure.delete(peer));
  };

  readonly #secure = (socket: TLSSocket): void => {
    this.#insecure.delete(peerOf(socket));
    if (socket.alpnProtocol !== 'h2') this.#add(socket);
  };

  readonly #add = (socket: Socket): void => {
    this.#activities.set(socket, { requests: 0, onIdle: undefined });
    socket.once('close', this.#forget);
  };

  /** One for all sockets: it finds its socket in `this`. */
  readonly #forget = ((activities: Map<Socket, Activity>) =>
    function forget(this: Socket): void {
      activities.delete(this);
    })(this.#activities);
}

/** A TLS socket and the TCP connection below it have their peer in common, and nothing else. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
