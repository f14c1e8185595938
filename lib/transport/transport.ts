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
 * For each client, a transport asks `server.admit()` whether it may connect; if so it opens a `Carrier`, gives it to
 * `server.accept()`, and tells the `CarrierListener` that it gets what arrives.
 */
export interface Transport {
  /**
   * Begins to accept connections for `server`, at its path (`server.options.path`).
   * @returns Resolves when clients can connect.
   * @throws if the port cannot be opened.
   */
  listen(server: WebwireServer, target: ListenTarget): Promise<Listener>;
}
