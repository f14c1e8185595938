import type { ConnectionRequest } from './ports/transport-connection.js';
import { Handshake, HandshakeRejection } from './handshake.js';
import { OBJECT_RULE, check, countOrInfinity } from '../common/options.js';
import { withTimeout } from '../common/timeout.js';
import type { ConnectionsPerAddress } from './addresses/connections-per-address.js';
import { ClientAddresses } from './addresses/trust-proxy.js';
import { allowsOrigin } from './origins.js';
import type { ResolvedServerOptions } from './server-options.js';
import { chooseProtocol } from './web-socket-protocols.js';

/** Decides whether a client may connect to a server. */
export class Admission {
  /**
   * The reason why the server accepts no connections at present, as the HTTP response gives it; `undefined` while it
   * accepts them.
   */
  closedReason: string | undefined = 'server starting';
  /** Handshakes under way. They count towards `maxConnections`. */
  #arriving = 0;
  readonly #addresses: ClientAddresses;

  /**
   * @param perAddress Counts the open connections of each address.
   * @param authorize Runs the handshake guards of the application; returns `undefined` if there are none.
   */
  constructor(
    private readonly options: ResolvedServerOptions,
    private readonly connections: { readonly size: number },
    private readonly perAddress: ConnectionsPerAddress,
    private readonly authorize: (handshake: Handshake) => Promise<void> | undefined,
  ) {
    this.#addresses = new ClientAddresses(options.trustProxy);
  }

  /**
   * @param connect Called during the call or later, if the client may connect.
   * @throws HandshakeRejection if the client may not connect; any other error that the application throws.
   */
  async admit(
    request: ConnectionRequest,
    remoteAddress: string | undefined,
    connect: (handshake: Handshake) => void,
  ): Promise<void> {
    const { options } = this;
    this.#assertOpen();
    const protocol = chooseProtocol(request.headers['sec-websocket-protocol'], options);
    if (!allowsOrigin(options.origins, request.headers.origin)) throw new HandshakeRejection(403, 'origin not allowed');
    if (this.connections.size + this.#arriving >= options.maxConnections) {
      throw new HandshakeRejection(503, 'too many connections');
    }
    const ip = this.#addresses.of(request, remoteAddress);
    if (this.perAddress.isFull(ip)) {
      this.perAddress.reportRefusal(ip);
      throw new HandshakeRejection(429, 'too many connections from this address');
    }
    this.#arriving++;
    this.perAddress.add(ip);
    try {
      const handshake = new Handshake(request, remoteAddress, options.concurrencyLimit, protocol, ip);
      const authorizing = this.authorize(handshake);
      if (authorizing) await withTimeout(authorizing, options.handshakeTimeout, handshakeTimedOut);
      check('handshake.concurrencyLimit', handshake.concurrencyLimit, countOrInfinity('handlers'));
      check('handshake.info', handshake.info, OBJECT_RULE);
      this.#assertOpen();
      connect(handshake);
    } finally {
      // By now, the connection counts itself.
      this.#arriving--;
      this.perAddress.remove(ip);
    }
  }

  #assertOpen(): void {
    if (this.closedReason !== undefined) throw new HandshakeRejection(503, this.closedReason);
  }
}

function handshakeTimedOut(): HandshakeRejection {
  return new HandshakeRejection(503, 'the handshake took too long');
}
