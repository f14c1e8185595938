import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { TlsOptions } from 'node:tls';
import { InvalidOptionError } from '../../../common/options.js';
import { HandshakeRejection } from '../../../server/handshake.js';
import { refusalHeaders } from './http-refusal.js';
import type { ServerRequest } from './intercept-upgrades.js';
import { UpgradeRouter } from './upgrade-router.js';

/** Request line and headers of an upgrade, in bytes; more gets 431. */
const MAX_HEADER_SIZE = 16 * 1024;

/** An HTTP server that the transport opened itself, for upgrades alone. */
export interface OwnHttpServer {
  readonly httpServer: HttpServer;
  /** Resolves when its port is open, rejects if it cannot be. */
  readonly opened: Promise<unknown>;
}

/**
 * Opens a port.
 * @param handshakeTimeout How long a client may take to ask for its upgrade, TLS handshake aside, in milliseconds.
 * @throws InvalidOptionError for TLS options that Node.js refuses.
 */
export function openHttpServer(port: number, handshakeTimeout: number, tls?: TlsOptions): OwnHttpServer {
  const limits = {
    maxHeaderSize: MAX_HEADER_SIZE,
    headersTimeout: handshakeTimeout,
    requestTimeout: handshakeTimeout,
    connectionsCheckingInterval: Math.ceil(handshakeTimeout / 4),
  };
  const httpServer = tls
    ? orExplain(() => createHttpsServer({ handshakeTimeout, ...tls, ...limits }))
    : createHttpServer(limits);
  httpServer.on('request', (request: ServerRequest, response) => {
    const rejection = new HandshakeRejection(426, 'WebWire speaks WebSocket');
    UpgradeRouter.of(httpServer).reportRefusal(request, rejection);
    const { status, message } = rejection;
    response.writeHead(status, refusalHeaders(status, message)).end(message);
  });
  return { httpServer, opened: once(httpServer.listen(port), 'listening') };
}

/** Keys and passphrases must not get into the message, only what Node.js says of them, and not what it received. */
function orExplain<T>(create: () => T): T {
  try {
    return create();
  } catch (error) {
    const [reason] = (error as Error).message.split(/\.? Received /);
    throw new InvalidOptionError(
      `WebWire option tls cannot be used, but must be options of Node's TLS server: ${reason}`,
    );
  }
}
