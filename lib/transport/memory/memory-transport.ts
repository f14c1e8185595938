import type { IncomingHttpHeaders } from 'node:http';
import type { ConnectionRequest } from '../../server/ports/transport-connection.js';
import { HandshakeRejection } from '../../server/handshake.js';
import type { Listener, WebwireServer } from '../../server/server.js';
import type { ListenTarget, Transport } from '../transport.js';
import { MemoryConnection } from './memory-connection.js';
import { MemoryWebSocket } from './memory-web-socket.js';

/** Options of a connection to a `MemoryTransport`. */
export interface MemoryConnectOptions {
  /** Headers of the upgrade request, such as `authorization` or `origin`. */
  headers?: IncomingHttpHeaders;
  /**
   * IP address that the server sees as the address of the client.
   * @default none
   */
  remoteAddress?: string;
  /**
   * Port of the gateway. Needed only if gateways on several ports have the same path.
   * @default the port of the HTTP server of the application
   */
  port?: number;
}

/** A class with the browser's `WebSocket` API that connects to the servers of one `MemoryTransport`. */
export type MemoryWebSocketConstructor = new (
  /** Absolute URL or a path. Only path, query and port are used, the port like that of `MemoryConnectOptions`. */
  url: string | URL,
  /** May be omitted, also if options follow, as with the package `ws`. */
  protocols?: string | readonly string[] | MemoryConnectOptions,
  options?: MemoryConnectOptions,
) => MemoryWebSocket;

/** A server and its port. */
interface Endpoint {
  readonly server: WebwireServer;
  readonly port: number | undefined;
}

/**
 * Connects clients and servers of the same process without a port: for tests, and for clients in the process of their server.
 * Everything else is as with WebSockets, including copies of messages, back-pressure and closing.
 *
 * @example
 * const transport = new MemoryTransport();
 * WebwireModule.forRoot({ transport });
 * // When the application has started:
 * const socket = await transport.connect('/');
 */
export class MemoryTransport implements Transport {
  readonly #endpoints = new Set<Endpoint>();

  /**
   * Class of WebSockets that connect to this transport, for clients that take a WebSocket constructor:
   * `new transport.webSocket('ws://localhost/chat')`.
   */
  readonly webSocket: MemoryWebSocketConstructor;

  constructor() {
    const open = (url: URL, options: MemoryConnectOptions) => this.#dial(url, options);
    this.webSocket = class extends MemoryWebSocket {
      constructor(...[url, second = [], third]: ConstructorParameters<MemoryWebSocketConstructor>) {
        const absolute = new URL(url, 'ws://localhost');
        const isOptions = typeof second === 'object' && !Array.isArray(second);
        const options = isOptions ? (second as MemoryConnectOptions) : (third ?? {});
        const protocol = isOptions ? '' : [second].flat().join(', ');
        const given = Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
        const headers = { ...(protocol && { 'sec-websocket-protocol': protocol }), ...Object.fromEntries(given) };
        const port = options.port ?? (absolute.port === '' ? undefined : Number(absolute.port));
        super(absolute.href, open(absolute, { ...options, headers, port }));
      }
    };
  }

  /**
   * Connects a client.
   *
   * @param path Path of the server, with an optional query: `/chat?room=1`.
   * @returns The client's end of the connection. Add listeners before you await anything else, as the first message of the server
   *   arrives at once.
   * @throws HandshakeRejection if the server rejects the client, or no server has this path (404).
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
    const endpoint: Endpoint = { server, port };
    this.#endpoints.add(endpoint);
    const endpoints = this.#endpoints;
    return {
      get address() {
        return endpoints.has(endpoint) ? `memory:${path}` : null;
      },
      close: async () => {
        endpoints.delete(endpoint);
      },
    };
  }

  #at(path: string): Endpoint[] {
    return [...this.#endpoints].filter(({ server }) => server.options.path === path);
  }

  /** A server on the HTTP server of the application has no port of its own, so it matches any port. */
  #find(path: string, port: number | undefined): WebwireServer | undefined {
    const endpoints = this.#at(path);
    const match = endpoints.find((other) => other.port === port) ?? endpoints.find((other) => other.port === undefined);
    return (match ?? (endpoints.length === 1 ? endpoints[0] : undefined))?.server;
  }

  #dial({ pathname, search }: URL, { headers = {}, port, remoteAddress }: MemoryConnectOptions) {
    return (socket: MemoryWebSocket): void => {
      const request: ConnectionRequest = { url: pathname + search, headers: lowerCased(headers) };
      const server = this.#find(pathname, port);
      if (!server) {
        const rejection = new HandshakeRejection(404, 'no WebWire server here');
        for (const endpoint of this.#endpoints) endpoint.server.reportRefusal(request, rejection);
        return socket.fail(rejection);
      }
      const admitted = server.admit(request, remoteAddress, (handshake) => {
        if (socket.readyState !== socket.CONNECTING) return;
        const transportConnection = new MemoryConnection(socket, remoteAddress, server.options.messageBufferSize);
        transportConnection.start(server.accept(transportConnection, handshake));
        socket.connected(transportConnection.cable, handshake.protocol);
      });
      admitted.catch((error: HandshakeRejection) => socket.fail(error));
    };
  }
}

function lowerCased(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
