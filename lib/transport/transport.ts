import type { Server as HttpServer } from 'node:http';
import type { Listener, WebwireServer } from '../server/server.js';

/** Where a server is to be reached. */
export interface ListenTarget {
  /** The HTTP server to share; absent if the transport has to open `port` itself. */
  readonly httpServer?: HttpServer;
  /** Port to open: 0 lets the system choose one. Servers that name the same port share it, apart by path. */
  readonly port?: number;
}

/** Brings connections to WebWire servers. */
export interface Transport {
  /**
   * Begins to accept connections for `server`, at its path.
   * @returns Resolves when clients can connect.
   * @throws if the port cannot be opened.
   */
  listen(server: WebwireServer, target: ListenTarget): Promise<Listener>;
}
