import type { IncomingHttpHeaders } from 'node:http';
import type { ConnectionRequest } from '../../server/ports/transport-connection.js';
import { HandshakeRejection } from '../../server/handshake.js';
import type { Listener, WebwireServer } from '../../server/server.js';
import type { ListenTarget, Transport } from '../transport.js';
import { MemoryConnection } from './memory-connection.js';
import { MemoryWebSocket } from './memory-web-socket.js';

/** What a client of a `MemoryTransport` says of itself. */
export interface MemoryConnectOptions {
  /** Headers of the upgrade request, such as `authorization` or `origin`. */
  headers?: IncomingHttpHeaders;
  /**
   * IP address that the client seems to come from.
   * @default none
   */
  remoteAddress?: string;
  /**
   * Port of the gateway, where gateways on several ports have the same path.
   * @default that of the HTTP server of the application
   */
  port?: number;
}

/** A class of WebSockets as browsers have it, which connect to the servers of one `MemoryTransport`. */
export type MemoryWebSocketConstructor = new (
  /** Absolute, or a path. Only path, query and port matter, the latter as in `MemoryConnectOptions`. */
  url: string | URL,
  protocols?: string | readonly string[],
  options?: MemoryConnectOptions,
) => MemoryWebSocket;

/** A server, and where it is reached. */
interface Place {
  readonly server: WebwireServer;
  readonly port: number | undefined;
}

/**
 * Connects clients and servers of one process: for tests, and for clients that live with their server. No port is opened;
 * all else is as with WebSockets, copies of messages, back-pressure and closing included.
 *
 * @example
 * const transport = new MemoryTransport();
 * WebwireModule.forRoot({ transport });
 * // When the application has started:
 * const socket = await transport.connect('/');
 */
export class MemoryTransport implements Transport {
  readonly #places = new Set<Place>();

  /**
   * Constructor of WebSockets that connect here, for clients that take one:
   * `new transport.webSocket('ws://localhost/chat')`.
   */
  readonly webSocket: MemoryWebSocketConstructor;

  constructor() {
    const open = (url: URL, options: MemoryConnectOptions) => this.#dial(url, options);
    this.webSocket = class extends MemoryWebSocket {
      constructor(url: string | URL, protocols: string | readonly string[] = [], options: MemoryConnectOptions = {}) {
        const absolute = new URL(url, 'ws://localhost');
        const protocol = [protocols].flat().join(', ');
        const headers = { ...(protocol && { 'sec-websocket-protocol': protocol }), ...options.headers };
        const port = options.port ?? (absolute.port === '' ? undefined : Number(absolute.port));
        super(absolute.href, open(absolute, { ...options, headers, port }));
      }
    };
  }

  /**
   * Connects a client.
   *
   * @param path Of the server, and a query, if there is one to send: `/chat?room=1`.
   * @returns The client's end. Listen to it before you wait for anything else: what the server says comes at once.
   * @throws HandshakeRejection if the server refuses the client, or no server has this path (404).
   */
  connect(path = '/', options: MemoryConnectOptions = {}): Promise<MemoryWebSocket> {
    const socket = new this.webSocket(path, [], options);
    return new Promise((resolve, reject) => {
      socket.addEventListener('open', () => resolve(socket), { once: true });
      socket.addEventListener('error', ({ error }) => reject(error), { once: true });
    });
  }

  async listen(server: WebwireServer, { port }: ListenTarget = {}): Promise<Listener> {
    const { path } = server.options;
    if (this.#at(path).some((other) => other.port === port)) {
      throw new Error(`two WebWire servers claim the path ${path} of one MemoryTransport`);
    }
    const place: Place = { server, port };
    this.#places.add(place);
    const places = this.#places;
    return {
      get address() {
        return places.has(place) ? `memory:${path}` : null;
      },
      close: async () => {
        places.delete(place);
      },
    };
  }

  #at(path: string): Place[] {
    return [...this.#places].filter(({ server }) => server.options.path === path);
  }

  /** The port of an URL means nothing to a server on the HTTP server of the application, wherever that may listen. */
  #find(path: string, port: number | undefined): WebwireServer | undefined {
    const places = this.#at(path);
    const meant = places.find((place) => place.port === port) ?? places.find((place) => place.port === undefined);
    return (meant ?? (places.length === 1 ? places[0] : undefined))?.server;
  }

  #dial({ pathname, search }: URL, { headers = {}, port, remoteAddress }: MemoryConnectOptions) {
    return (socket: MemoryWebSocket): void => {
      const request: ConnectionRequest = { url: pathname + search, headers: lowerCased(headers) };
      const server = this.#find(pathname, port);
      if (!server) {
        const rejection = new HandshakeRejection(404, 'no WebWire server here');
        for (const place of this.#places) place.server.reportRefusal(request, rejection);
        return socket.fail(rejection);
      }
      const admitted = server.admit(request, remoteAddress, (handshake) => {
        if (socket.readyState !== socket.CONNECTING) return;
        const transportConnection = new MemoryConnection(socket, remoteAddress, server.options.messageBufferSize);
        transportConnection.listen(server.accept(transportConnection, handshake));
        socket.connected(transportConnection.cable, handshake.protocol);
      });
      admitted.catch((error: HandshakeRejection) => socket.fail(error));
    };
  }
}

function lowerCased(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
