import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { TlsOptions } from 'node:tls';
import { InvalidOptionError } from '../../../common/options.js';
import { HandshakeRejection } from '../../../server/handshake.js';
import type { ServerRequest } from './intercept-upgrades.js';
import { rejectionHeaders } from './reject-upgrade.js';
import { UpgradeRouter } from './upgrade-router.js';

/** Largest request line and headers of an upgrade request, in bytes. Node.js answers a larger one with 431. */
const MAX_HEADER_SIZE = 16 * 1024;

/** An HTTP server that the transport opened itself. It accepts upgrade requests only. */
export interface OwnHttpServer {
  readonly httpServer: HttpServer;
  /** Resolves when the port is open. Rejects if it cannot be opened. */
  readonly opened: Promise<unknown>;
}

/**
 * Creates an HTTP or HTTPS server and opens its port.
 * @param handshakeTimeout Time that a client has to complete its upgrade request, and before that its TLS handshake, in milliseconds.
 * @throws InvalidOptionError if Node.js rejects the TLS options.
 */
export function openHttpServer(port: number, handshakeTimeout: number, tls?: TlsOptions): OwnHttpServer {
  const limits = {
    maxHeaderSize: MAX_HEADER_SIZE,
    headersTimeout: handshakeTimeout,
    requestTimeout: handshakeTimeout,
    connectionsCheckingInterval: Math.ceil(handshakeTimeout / 4),
  };
  const httpServer = tls
    ? withTlsErrors(() => createHttpsServer({ handshakeTimeout, ...tls, ...limits }))
    : createHttpServer(limits);
  httpServer.on('request', (request: ServerRequest, response) => {
    const rejection = new HandshakeRejection(426, 'WebWire speaks WebSocket');
    UpgradeRouter.of(httpServer).reportRefusal(request, rejection);
    const { status, message } = rejection;
    response.writeHead(status, rejectionHeaders(status, message)).end(message);
  });
  return { httpServer, opened: once(httpServer.listen(port), 'listening') };
}

/** Keeps keys and passphrases out of the error message: removes the received value from the text of Node.js. */
function withTlsErrors<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    const [reason] = (error as Error).message.split(/\.? Received /);
    throw new InvalidOptionError(
      `WebWire option tls cannot be used, but must be options of Node's TLS server: ${reason}`,
    );
  }
}
