import type { AddressInfo } from 'node:net';
import type { ConnectionRequest } from '../server/ports/transport-connection.js';
import { HandshakeRejection } from '../server/handshake.js';
import type { WebwireServer } from '../server/server.js';
import { checkOpeningHandshake, offersWebSocket } from '../transport/ws/upgrade/opening-handshake.js';
import { pathOf } from '../transport/ws/upgrade/path-of.js';
import { rejectionHeaders } from '../transport/ws/upgrade/reject-upgrade.js';
import type { BunServer, BunServeOptions, BunTlsOptions, getBun } from './bun-api.js';
import { BunConnection } from './bun-connection.js';
import { describeRequest } from './upgrade-request.js';

/**
 * Bun itself closes the connection of a client whose message is longer than this many times `messageBufferSize`. Up to that, the
 * transport closes it, which lets running handlers reply before.
 */
const MAX_PAYLOAD_FACTOR = 4;

/** The longest message that Bun takes is at least this long, in bytes. */
const MIN_MAX_PAYLOAD = 64 * 1024;

/** The longest `idleTimeout` of Bun, in seconds. */
const MAX_IDLE_TIMEOUT = 255;

/** One port that Bun listens on. Routes upgrade requests by path to the servers that share it. */
export class BunPort {
  readonly #servers = new Map<string, WebwireServer>();
  #bunServer: BunServer<BunConnection> | undefined;
  #maxPayloadLength = 0;
  /** Resolves when the port is open. Rejects if it cannot be opened. */
  readonly opened: Promise<void>;

  /** Opens the port after all gateways that share it have been added, since Bun has one limit of messages for a port. */
  constructor(
    private readonly bun: ReturnType<typeof getBun>,
    private readonly port: number,
    private readonly tls: BunTlsOptions | undefined,
  ) {
    this.opened = this.#openLater();
  }

  /** `null` while the port is not open. */
  get address(): AddressInfo | null {
    return this.#bunServer?.address ?? null;
  }

  get isEmpty(): boolean {
    return this.#servers.size === 0;
  }

  /** @throws Error if another server has the same path, or the port has been opened for shorter messages. */
  add(server: WebwireServer): void {
    const { path, messageBufferSize } = server.options;
    if (this.#servers.has(path)) {
      throw new Error(
        `two WebWire servers claim the path ${path} of port ${this.port}: give one of them another path or port`,
      );
    }
    if (this.#bunServer && messageBufferSize > this.#maxPayloadLength) {
      throw new Error(
        `port ${this.port} is already open for messages of at most ${this.#maxPayloadLength} bytes, ` +
          `but messageBufferSize at the path ${path} is ${messageBufferSize}: give that gateway another port`,
      );
    }
    this.#servers.set(path, server);
  }

  /** Closes the port with the last server. Open connections stay open. */
  remove({ options: { path } }: WebwireServer): void {
    this.#servers.delete(path);
    if (!this.isEmpty) return;
    void this.#bunServer?.stop();
    this.#bunServer = undefined;
  }

  async #openLater(): Promise<void> {
    await Promise.resolve();
    if (!this.isEmpty) this.#open();
  }

  #open(): void {
    const options = [...this.#servers.values()].map((server) => server.options);
    const largest = Math.max(...options.map(({ messageBufferSize }) => messageBufferSize));
    const handshakeSeconds = Math.ceil(Math.max(...options.map(({ handshakeTimeout }) => handshakeTimeout)) / 1_000);
    this.#maxPayloadLength = Math.max(largest * MAX_PAYLOAD_FACTOR, MIN_MAX_PAYLOAD);
    this.#bunServer = this.bun.serve({
      port: this.port,
      tls: this.tls,
      // Handshake guards have a timeout of their own.
      idleTimeout: handshakeSeconds < MAX_IDLE_TIMEOUT ? handshakeSeconds + 1 : 0,
      development: false,
      // Without `development`, Bun would open a port that another program has opened in the same way.
      reusePort: false,
      fetch: (request) => this.#answer(request),
      websocket: { ...WEB_SOCKET_HANDLERS, maxPayloadLength: this.#maxPayloadLength },
    });
  }

  /** @returns The response; `undefined` if the request was upgraded. */
  async #answer(request: Request): Promise<Response | undefined> {
    const upgradeRequest = describeRequest(request);
    const server = this.#servers.get(pathOf(upgradeRequest.url));
    const rejection = checkRequest(upgradeRequest, server);
    if (rejection) {
      for (const each of server ? [server] : this.#servers.values()) each.reportRefusal(upgradeRequest, rejection);
      return toResponse(rejection);
    }
    try {
      await this.#admit(server!, request, upgradeRequest);
      return undefined;
    } catch (error) {
      return toResponse(error as HandshakeRejection);
    }
  }

  #admit(server: WebwireServer, request: Request, { url, headers }: ConnectionRequest): Promise<void> {
    const bunServer = this.#bunServer!;
    return server.admit({ url, headers }, bunServer.requestIP(request)?.address, (handshake) => {
      const connection = new BunConnection(server.options);
      // Without this header, Bun selects the first sub-protocol that the client offers; with an empty one it selects none.
      const upgradeHeaders = { 'Sec-WebSocket-Protocol': handshake.protocol };
      const isUpgraded = bunServer.upgrade(request, { data: connection, headers: upgradeHeaders });
      // Otherwise the client has gone meanwhile.
      if (isUpgraded) connection.start(server.accept(connection, handshake));
    });
  }
}

/** The handlers and limits that all ports have in common. */
const WEB_SOCKET_HANDLERS: Omit<BunServeOptions<BunConnection>['websocket'], 'maxPayloadLength'> = {
  // The server limits all of these for each connection.
  backpressureLimit: 0,
  idleTimeout: 0,
  sendPings: false,
  perMessageDeflate: false,
  open: (socket) => socket.data.open(socket),
  message: ({ data: connection }, message) => connection.receive(message),
  ping: ({ data: connection }, data) => connection.pinged(data),
  pong: ({ data: connection }, data) => connection.ponged(data),
  drain: ({ data: connection }) => connection.progressed(),
  close: ({ data: connection }, code, reason) => connection.ended(code, reason),
};

function checkRequest(
  request: ReturnType<typeof describeRequest>,
  server: WebwireServer | undefined,
): HandshakeRejection | undefined {
  if (!offersWebSocket(request)) return new HandshakeRejection(426, 'WebWire speaks WebSocket');
  if (!server) return new HandshakeRejection(404, 'no WebWire server here');
  return checkOpeningHandshake(request);
}

function toResponse({ status, message }: HandshakeRejection): Response {
  return new Response(message, { status, headers: rejectionHeaders(status, message) });
}
