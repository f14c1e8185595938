import { checkAll, integerBetween, OBJECT_RULE, type OptionRules } from '../../common/options.js';
import { HandshakeRejection } from '../../server/handshake.js';
import type { Listener, WebwireServer } from '../../server/server.js';
import type { ListenTarget, Transport } from '../transport.js';
import { PermessageDeflate, type Agreement } from './deflate/permessage-deflate.js';
import { ZlibLimiter } from './deflate/zlib-limiter.js';
import { destroySocket } from './destroy-socket.js';
import { checkOpeningHandshake } from './upgrade/opening-handshake.js';
import type { OwnHttpServer } from './upgrade/own-http-server.js';
import { closeOwn, openOrShare } from './upgrade/own-ports.js';
import { rejectUpgrade } from './upgrade/reject-upgrade.js';
import { UpgradeRouter, type UpgradeHandler } from './upgrade/upgrade-router.js';
import { createUpgrader } from './upgrade/upgrader.js';

/** Options of the `WsTransport`. */
export interface WsTransportOptions {
  /**
   * Compresses messages of at least `threshold` bytes (default: 1 024) for clients that offer permessage-deflate (RFC 7692).
   * No compression state is kept between messages. A message that does not get shorter is sent uncompressed. Compression costs
   * CPU time. Messages of more than 16 KiB are compressed and inflated on the thread pool of Node.js, at most ten at a time.
   * @default false
   */
  perMessageDeflate?: boolean | { threshold?: number };
}

const RULES: OptionRules<WsTransportOptions> = {
  perMessageDeflate: {
    allowed: 'a boolean or { threshold }',
    accepts: (value) => typeof value === 'boolean' || OBJECT_RULE.accepts(value),
  },
};

const DEFLATE_RULES: OptionRules<{ threshold?: number }> = {
  threshold: integerBetween(0, Number.MAX_SAFE_INTEGER, 'bytes'),
};

/** Accepts WebSockets (RFC 6455) on the HTTP server of the application, or on ports that it opens itself. */
export class WsTransport implements Transport {
  /** Length of the shortest message that is compressed, in bytes. `undefined` if compression is off. */
  readonly #deflateThreshold: number | undefined;
  readonly #zlibLimiter = new ZlibLimiter();

  /** @throws InvalidOptionError if an option is unknown or has an invalid value. */
  constructor(options: WsTransportOptions = {}) {
    const { perMessageDeflate = false } = checkAll(options, RULES);
    if (perMessageDeflate === false) return;
    const { threshold = 1024 } = checkAll(
      perMessageDeflate === true ? {} : perMessageDeflate,
      DEFLATE_RULES,
      'perMessageDeflate.',
    );
    this.#deflateThreshold = threshold;
  }

  async listen(server: WebwireServer, target: ListenTarget): Promise<Listener> {
    if (!target.httpServer && target.port === undefined) {
      throw new Error('this application has no HTTP server; give its WebWire gateways a port');
    }
    const own = target.httpServer ? undefined : this.#openOwn(server, target);
    const httpServer = target.httpServer ?? own!.httpServer;
    const router = UpgradeRouter.of(httpServer);
    router.add(server, upgradeHandler(server, this.#deflateFor(server)));
    const listener: Listener = {
      get address() {
        return httpServer.listening ? httpServer.address() : null;
      },
      close: async () => {
        router.remove(server);
        if (own && router.isEmpty) await closeOwn(own);
      },
    };
    try {
      await own?.opened;
    } catch (error) {
      await listener.close();
      throw error;
    }
    return listener;
  }

  /** Opens a new port for 0. Servers of one transport or application with the same other port share an HTTP server. */
  #openOwn(server: WebwireServer, { port = 0, tls, application = this }: ListenTarget): OwnHttpServer {
    const { handshakeTimeout } = server.options;
    return openOrShare([this, application], { port, tls, handshakeTimeout });
  }

  #deflateFor(server: WebwireServer): PermessageDeflate | undefined {
    if (this.#deflateThreshold === undefined) return undefined;
    return new PermessageDeflate(this.#zlibLimiter, this.#deflateThreshold, server.options.messageBufferSize);
  }
}

/** Rejects invalid upgrade requests, and asks the server to admit the clients of valid ones. */
function upgradeHandler(server: WebwireServer, deflate: PermessageDeflate | undefined): UpgradeHandler {
  const upgrade = createUpgrader(server);
  return (request, socket, head) => {
    const agreement = deflate?.accept(request.headers['sec-websocket-extensions']);
    const rejection =
      checkOpeningHandshake(request) ??
      (agreement === 'malformed' ? new HandshakeRejection(400, 'Invalid Sec-WebSocket-Extensions header') : undefined);
    if (rejection) {
      server.reportRefusal(request, rejection);
      rejectUpgrade(socket, rejection.status, rejection.message);
      return;
    }
    socket.on('error', destroySocket);
    const admitted = server.admit(request, socket.remoteAddress, (handshake) => {
      socket.off('error', destroySocket);
      upgrade(request, socket, head, handshake, agreement as Agreement | undefined);
    });
    admitted.catch(({ status, message }: HandshakeRejection) => rejectUpgrade(socket, status, message));
  };
}
