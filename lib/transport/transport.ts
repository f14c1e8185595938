import type { Server as HttpServer } from 'node:http';
import type { TlsOptions } from 'node:tls';
import type { Listener, WebwireServer } from '../server/server.js';

/** The address at which clients reach a server. */
export interface ListenTarget {
  /** The HTTP server of the application. Absent if the transport has to open `port` itself. */
  readonly httpServer?: HttpServer;
  /** TCP port to open. 0 lets the system choose a free one. Servers with the same port share it; the path selects the server. */
  readonly port?: number;
  /**
   * Identifies the application. All `WsTransport`s of one application share the ports that they open, so that two gateways with
   * one port can have transports with different options.
   */
  readonly application?: object;
  /** Options of Node's TLS server. If given, the port that the transport opens uses TLS. */
  readonly tls?: TlsOptions;
}

/**
 * Accepts connections for WebWire servers. The package contains `WsTransport` and `MemoryTransport`. Implement this
 * interface to use WebWire over any other channel that keeps message boundaries and order (docs/PROTOCOL.md, section 1).
 *
 * For each client, a transport
 *
 * 1. calls `server.admit()`, which checks limits and origins and runs handshake guards. If the promise rejects, the transport
 *    sends the client the status and message of the `HandshakeRejection`, if it can, and ends the connection;
 * 2. creates a `TransportConnection` in the callback of `admit()`, and passes it to `server.accept()`, which sends the first
 *    message and returns `TransportHandlers`;
 * 3. calls these handlers when a message arrives, when everything that waited has been written (`drained`), and last when
 *    the connection is closed.
 *
 * A transport has to limit the memory and time that a client can use: it must not buffer more of a message than
 * `server.options.messageBufferSize` bytes before it reports the violation, and it must disconnect a client that does not
 * complete its upgrade request within `server.options.handshakeTimeout` milliseconds.
 */
export interface Transport {
  /**
   * Begins to accept connections for `server` at its path (`server.options.path`). Called once for each server that uses
   * the transport. A server may use several transports. The server rejects all clients until the application is ready, so
   * the transport may accept connections at once.
   *
   * @param target The address. A transport may ignore fields that do not apply to it.
   * @returns Resolves when clients can connect.
   * @throws if they cannot. Then the application does not start.
   */
  listen(server: WebwireServer, target: ListenTarget): Promise<Listener>;
}
