import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TlsOptions } from 'node:tls';
import { checkAll, integerBetween, OBJECT_RULE, type OptionRules } from '../../common/options.js';
import type { Listener, WebwireServer } from '../../server/server.js';
import type { ListenTarget, Transport } from '../transport.js';
import { PermessageDeflate } from './deflate/permessage-deflate.js';
import { ZlibLimiter } from './deflate/zlib-limiter.js';
import { refuse } from './upgrade/http-refusal.js';
import { openHttpServer, type OwnHttpServer } from './upgrade/own-http-server.js';
import { UpgradeRouter, type UpgradeHandler } from './upgrade/upgrade-router.js';
import { createUpgrader, type Upgrade } from './upgrade/upgrader.js';

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
  readonly #routers = new Map<HttpServer, UpgradeRouter>();
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
    const router = this.#routers.get(httpServer) ?? new UpgradeRouter(httpServer);
    this.#routers.set(httpServer, router);
    const { path, messageBufferSize } = server.options;
    const deflate =
      this.#deflateThreshold === undefined
        ? undefined
        : new PermessageDeflate(this.#zlibLimiter, this.#deflateThreshold, messageBufferSize);
    router.add(path, upgradeHandler(server, createUpgrader(server, deflate)));
    const listener = this.#listener(router, path, own);
    try {
      await own?.opened;
    } catch (error) {
      await listener.close();
      throw error;
    }
    return listener;
  }

  /** Port 0 is a new port each time; any other is shared by all who name it. */
  #ownServer(server: WebwireServer, port: number, tls: TlsOptions | undefined): OwnHttpServer {
    const existing = port === 0 ? undefined : this.#ownServers.get(port);
    if (existing) return existing;
    const own = openHttpServer(port, server.options.handshakeTimeout, tls);
    if (port !== 0) this.#ownServers.set(port, own);
    return own;
  }

  #listener(router: UpgradeRouter, path: string, own: OwnHttpServer | undefined): Listener {
    const { httpServer } = router;
    return {
      get address() {
        return httpServer.listening ? httpServer.address() : null;
      },
      close: async () => {
        router.remove(path);
        if (!router.isEmpty) return;
        this.#routers.delete(httpServer);
        if (own) await this.#closeOwn(own);
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

/** Lets the server decide, which may take a while. */
function upgradeHandler(server: WebwireServer, upgrade: Upgrade): UpgradeHandler {
  return (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const fail = () => socket.destroy();
    socket.on('error', fail);
    // A request that a server got has a target, and came on a socket.
    const { remoteAddress } = socket as Socket;
    const admitted = server.admit(request as IncomingMessage & { url: string }, remoteAddress, (handshake) => {
      socket.off('error', fail);
      upgrade(request, socket as Socket, head, handshake);
    });
    admitted.catch(({ status, message }: { status: number; message: string }) => refuse(socket, status, message));
  };
}
