import type { Server as HttpServer } from 'node:http';
import type { TlsOptions } from 'node:tls';
import type { Listener, WebwireServer } from '../server/server.js';

/** Where a server is to be reached. */
export interface ListenTarget {
  /** The HTTP server to share; absent if the transport has to open `port` itself, or if there is none. */
  readonly httpServer?: HttpServer;
  /** Port to open: 0 lets the system choose one. Servers that name the same port share it, apart by path. */
  readonly port?: number;
  /** For a port of its own: makes it TLS. */
  readonly tls?: TlsOptions;
}

/**
 * Brings connections to WebWire servers. The ones that come with the package are `WsTransport` and `MemoryTransport`; write
 * another to carry WebWire over anything that keeps message boundaries and order (PROTOCOL.md, section 1).
 *
 * For each client, a transport
 *
 * 1. asks `server.admit()` whether it may connect, which checks limits and origins and runs handshake guards. If the
 *    promise rejects, the transport tells the client, if it can, what the `HandshakeRejection` says, and ends it;
 * 2. when it is called back, makes a `TransportConnection`, and gives it to `server.accept()`, which sends the first message;
 * 3. calls the `TransportHandlers` that it gets with everything that arrives, when everything that waited has been written
 *    (`drained`), and at last when the transport connection is closed.
 *
 * What a client can make grow is for the transport to bound: it must not gather more of a message than
 * `server.options.messageBufferSize` bytes before it reports the violation, and has to give up on clients that do not finish
 * what comes before `admit()` within `server.options.handshakeTimeout`.
 */
export interface Transport {
  /**
   * Begins to accept connections for `server`, at its path (`server.options.path`). Called once for each server that uses
   * the transport; a server may have listeners of other transports besides. Until the application is ready, the server
   * refuses all clients itself, so connections may come in at once.
   *
   * @param target Where; what it does not apply to a transport may ignore.
   * @returns Resolves when clients can connect.
   * @throws if they cannot; the application does not start then.
   */
  listen(server: WebwireServer, target: ListenTarget): Promise<Listener>;
}
