import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';

/**
 * Knows the sockets of an HTTP server on which no request is being answered. Node.js does not close those that never sent a
 * whole request, so that closing the server would wait for them for ever.
 */
export class IdleSockets {
  /** How many requests are being answered on each socket. */
  readonly #answering = new Map<Socket, number>();
  /** Of a TLS server: connections that have not become secure yet, by their peer. */
  readonly #insecure = new Map<string, Socket>();

  constructor(private readonly httpServer: HttpServer) {
    if (httpServer instanceof TlsServer) httpServer.on('connection', this.#begin).on('secureConnection', this.#secure);
    else httpServer.on('connection', this.#add);
    httpServer.on('request', this.#answer);
  }

  /** Tells that a socket is none of the HTTP server's any more. */
  remove(socket: Socket): void {
    this.#answering.delete(socket);
    socket.off('close', this.#forget);
  }

  /** Stops watching, and ends the idle ones. */
  close(): void {
    this.httpServer.off('connection', this.#begin).off('secureConnection', this.#secure);
    this.httpServer.off('connection', this.#add).off('request', this.#answer);
    for (const socket of this.#insecure.values()) socket.destroy();
    for (const [socket, requests] of this.#answering) if (requests === 0) socket.destroy();
  }

  readonly #begin = (socket: Socket): void => {
    const peer = peerOf(socket);
    this.#insecure.set(peer, socket);
    socket.once('close', () => this.#insecure.delete(peer));
  };

  readonly #secure = (socket: Socket): void => {
    this.#insecure.delete(peerOf(socket));
    this.#add(socket);
  };

  readonly #add = (socket: Socket): void => {
    this.#answering.set(socket, 0);
    socket.once('close', this.#forget);
  };

  readonly #answer = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    this.#count(socket, 1);
    response.once('close', () => this.#count(socket, -1));
  };

  #count(socket: Socket, change: 1 | -1): void {
    const requests = this.#answering.get(socket);
    if (requests !== undefined) this.#answering.set(socket, requests + change);
  }

  /** One for all sockets: it finds its socket in `this`. */
  readonly #forget = ((sockets: Map<Socket, number>) =>
    function forget(this: Socket): void {
      sockets.delete(this);
    })(this.#answering);
}

/** All that a TLS socket has in common with the TCP connection below it. */
function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
