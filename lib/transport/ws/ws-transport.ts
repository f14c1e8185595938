import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions as WsOptions } from 'ws';
import { ProtocolError } from '../../protocol/index.js';
import type { Listener, WebwireServer } from '../../server/server.js';
import type { ListenTarget, Transport } from '../transport.js';
import { DeferringWebSocket } from './deferring-websocket.js';
import { refuse } from './http-refusal.js';
import { UpgradeRouter } from './upgrade-router.js';
import { WsCarrier } from './ws-carrier.js';

/** How long a peer may take to answer a close frame, in milliseconds, before it is cut off. */
const CLOSE_TIMEOUT = 2_000;

/** An HTTP server that the transport opened itself. */
interface OwnServer {
  readonly httpServer: HttpServer;
  /** Resolves when its port is open, rejects if it cannot be. */
  readonly opened: Promise<unknown>;
}

/** WebSockets, by the package `ws`: on an HTTP server that is there already, or on ports of its own. */
export class WsTransport implements Transport {
  readonly #routers = new Map<HttpServer, UpgradeRouter>();
  readonly #ownServers = new Map<number, OwnServer>();

  async listen(server: WebwireServer, target: ListenTarget): Promise<Listener> {
    const own = target.httpServer ? undefined : this.#ownServer(target.port ?? 0);
    const httpServer = target.httpServer ?? own!.httpServer;
    const router = this.#routers.get(httpServer) ?? new UpgradeRouter(httpServer);
    this.#routers.set(httpServer, router);
    router.add(server.options.path, acceptor(server));
    const listener = this.#listener(router, server.options.path, own);
    try {
      await own?.opened;
    } catch (error) {
      await listener.close();
      throw error;
    }
    return listener;
  }

  /** Port 0 is a new port each time; any other is shared by all who name it. */
  #ownServer(port: number): OwnServer {
    const existing = port === 0 ? undefined : this.#ownServers.get(port);
    if (existing) return existing;
    const httpServer = createServer((_request, response) => {
      response.writeHead(426, { Connection: 'close', 'Content-Type': 'text/plain' }).end('WebWire speaks WebSocket');
    });
    const own = { httpServer, opened: once(httpServer.listen(port), 'listening') };
    if (port !== 0) this.#ownServers.set(port, own);
    return own;
  }

  #listener(router: UpgradeRouter, path: string, own: OwnServer | undefined): Listener {
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

  async #closeOwn(own: OwnServer): Promise<void> {
    for (const [port, server] of this.#ownServers) if (server === own) this.#ownServers.delete(port);
    const { httpServer } = own;
    if (!httpServer.listening) return;
    const closed = once(httpServer, 'close');
    httpServer.close();
    httpServer.closeAllConnections();
    await closed;
  }
}

function acceptor(server: WebwireServer): (request: IncomingMessage, socket: Duplex, head: Buffer) => void {
  const options: WsOptions & { closeTimeout: number } = {
    noServer: true,
    clientTracking: false,
    // A length beyond 2³¹ − 1 means "no limit" to `ws`.
    maxPayload: Math.min(server.options.messageBufferSize, 0x7fff_ffff),
    perMessageDeflate: false,
    // Text is refused whatever its bytes (PROTOCOL.md, section 9).
    skipUTF8Validation: true,
    closeTimeout: CLOSE_TIMEOUT,
    handleProtocols: () => false,
    WebSocket: DeferringWebSocket,
  };
  const upgrader = new WebSocketServer(options as WsOptions<typeof DeferringWebSocket>);
  return (request, socket, head) => {
    if (server.refusal) {
      refuse(socket, 503, server.refusal);
      return;
    }
    const { remoteAddress } = socket as Socket;
    upgrader.handleUpgrade(request, socket, head, (webSocket) => {
      connect(server, new WsCarrier(remoteAddress, webSocket, socket), webSocket, request);
    });
  };
}

function connect(
  server: WebwireServer,
  carrier: WsCarrier,
  webSocket: DeferringWebSocket,
  request: IncomingMessage,
): void {
  const listener = server.accept(carrier, { url: request.url ?? '/', headers: request.headers });
  webSocket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) listener.receive(data);
    else listener.violate(new ProtocolError('TEXT_FRAME', 'text frame: messages are binary', 0));
  });
  webSocket.on('error', (error: Error & { code?: string }) => {
    webSocket.takeOver();
    const isTooBig = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH';
    listener.violate(
      isTooBig
        ? new ProtocolError('MESSAGE_TOO_LARGE', 'message larger than the buffer', server.options.messageBufferSize)
        : new ProtocolError('INVALID_FRAME', 'frame that breaks the WebSocket protocol', 0),
    );
  });
  webSocket.on('close', (code: number) => listener.closed(code !== 1006));
}
