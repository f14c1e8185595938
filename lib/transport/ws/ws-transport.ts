import type { TlsOptions } from 'node:tls';
import { checkAll, integerBetween, OBJECT_RULE, type OptionRules } from '../../common/options.js';
import { HandshakeRejection } from '../../server/handshake.js';
import type { Listener, WebwireServer } from '../../server/server.js';
import type { ListenTarget, Transport } from '../transport.js';
import { PermessageDeflate, type Agreement } from './deflate/permessage-deflate.js';
import { ZlibLimiter } from './deflate/zlib-limiter.js';
import { refuse } from './upgrade/http-refusal.js';
import { checkOpeningHandshake } from './upgrade/opening-handshake.js';
import { openHttpServer, type OwnHttpServer } from './upgrade/own-http-server.js';
import { UpgradeRouter, type UpgradeHandler } from './upgrade/upgrade-router.js';
import { createUpgrader } from './upgrade/upgrader.js';

/** Options of the `WsTransport`. */
export interface WsTransportOptions {
  /**
   * Compresses messages of at least `threshold` bytes (1 024 unless given) for clients that ask for it (RFC 7692), without
   * keeping state between messages. Messages that do not get shorter are sent as they are. Compression costs time; messages of
   * more than 16 KiB are compressed and inflated on other threads, ten at a time.
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

/** Carries WebWire over WebSockets (RFC 6455), on the HTTP server of the application or on ports of its own. */
export class WsTransport implements Transport {
  readonly #ownServers = new Map<number, OwnHttpServer>();
  /** Size from which messages are compressed, in bytes; `undefined` if they never are. */
  readonly #deflateThreshold: number | undefined;
  readonly #zlibLimiter = new ZlibLimiter();

  /** @throws InvalidOptionError */
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
    const own = target.httpServer ? undefined : this.#ownServer(server, target.port ?? 0, target.tls);
    const httpServer = target.httpServer ?? own!.httpServer;
    const router = UpgradeRouter.of(httpServer);
    router.add(server, upgradeHandler(server, this.#deflateFor(server)));
    const listener = this.#listener(router, server, own);
    try {
      await own?.opened;
    } catch (error) {
      await listener.close();
      throw error;
    }
    return listener;
  }

  #deflateFor(server: WebwireServer): PermessageDeflate | undefined {
    if (this.#deflateThreshold === undefined) return undefined;
    return new PermessageDeflate(this.#zlibLimiter, this.#deflateThreshold, server.options.messageBufferSize);
  }

  /** Port 0 is a new port each time; any other is shared by all who name it. */
  #ownServer(server: WebwireServer, port: number, tls: TlsOptions | undefined): OwnHttpServer {
    const existing = port === 0 ? undefined : this.#ownServers.get(port);
    if (existing) return existing;
    const own = openHttpServer(port, server.options.handshakeTimeout, tls);
    if (port !== 0) this.#ownServers.set(port, own);
    return own;
  }

  #listener(router: UpgradeRouter, server: WebwireServer, own: OwnHttpServer | undefined): Listener {
    const { httpServer } = router;
    return {
      get address() {
        return httpServer.listening ? httpServer.address() : null;
      },
      close: async () => {
        router.remove(server);
        if (own && router.isEmpty) await this.#closeOwn(own);
      },
    };
  }

  async #closeOwn(own: OwnHttpServer): Promise<void> {
    for (const [port, server] of this.#ownServers) if (server === own) this.#ownServers.delete(port);
    const { httpServer } = own;
    if (!httpServer.listening) return;
    await new Promise((resolve) => {
      httpServer.close(resolve);
      httpServer.closeAllConnections();
    });
  }
}

/** Lets the server decide about valid upgrade requests, which may take a while. */
function upgradeHandler(server: WebwireServer, deflate: PermessageDeflate | undefined): UpgradeHandler {
  const upgrade = createUpgrader(server);
  return (request, socket, head) => {
    const agreement = deflate?.accept(request.headers['sec-websocket-extensions']);
    const rejection =
      checkOpeningHandshake(request) ??
      (agreement === 'malformed' ? new HandshakeRejection(400, 'Invalid Sec-WebSocket-Extensions header') : undefined);
    if (rejection) {
      server.reportRefusal(request, rejection);
      refuse(socket, rejection.status, rejection.message);
      return;
    }
    const fail = () => socket.destroy();
    socket.on('error', fail);
    const admitted = server.admit(request, socket.remoteAddress, (handshake) => {
      socket.off('error', fail);
      upgrade(request, socket, head, handshake, agreement as Agreement | undefined);
    });
    admitted.catch(({ status, message }: HandshakeRejection) => refuse(socket, status, message));
  };
}
