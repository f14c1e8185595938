import type { ConnectionRequest } from './ports/transport-connection.js';
import { Handshake, HandshakeRejection } from './handshake.js';
import { OBJECT_RULE, check, countOrInfinity } from '../common/options.js';
import { allowsOrigin } from './origins.js';
import type { ResolvedServerOptions } from './server-options.js';
import { chooseProtocol } from './web-socket-protocols.js';

/** What an admission asks of the server that it is for. */
export interface AdmissionHost {
  readonly options: ResolvedServerOptions;
  /** How many connections are open. */
  readonly size: number;
  /** Whether connections are accepted at all, just now; why not, if not. */
  readonly closedBecause: string | undefined;
  /** The application's own check. */
  authorize(handshake: Handshake): void | Promise<void>;
}

/** Decides who may connect to a server. */
export class Admission {
  /** Clients whose handshake is under way take up places already. */
  #arriving = 0;

  constructor(private readonly host: AdmissionHost) {}

  /**
   * @param connect Called, within the call or later, if the client may connect.
   * @throws HandshakeRejection, now or later, if it may not; anything else that the application threw.
   */
  async admit(
    request: ConnectionRequest,
    remoteAddress: string | undefined,
    connect: (handshake: Handshake) => void,
  ): Promise<void> {
    const { options, size } = this.host;
    this.#assertOpen();
    const protocol = chooseProtocol(request.headers['sec-websocket-protocol'], options);
    if (!allowsOrigin(options.origins, request.headers.origin)) throw new HandshakeRejection(403, 'origin not allowed');
    if (size + this.#arriving >= options.maxConnections) throw new HandshakeRejection(503, 'too many connections');
    this.#arriving++;
    try {
      const handshake = new Handshake(request, remoteAddress, options.concurrencyLimit, protocol);
      const authorizing = this.host.authorize(handshake);
      if (authorizing) await within(options.handshakeTimeout, authorizing);
      check('handshake.concurrencyLimit', handshake.concurrencyLimit, countOrInfinity('handlers'));
      check('handshake.info', handshake.info, OBJECT_RULE);
      this.#assertOpen();
      connect(handshake);
    } finally {
      this.#arriving--;
    }
  }

  #assertOpen(): void {
    const { closedBecause } = this.host;
    if (closedBecause !== undefined) throw new HandshakeRejection(503, closedBecause);
  }
}

/** @throws HandshakeRejection if it takes longer than `timeout` ms. */
async function within(timeout: number, authorizing: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new HandshakeRejection(503, 'the handshake took too long')), timeout);
  });
  try {
    await Promise.race([authorizing, late]);
  } finally {
    clearTimeout(timer);
  }
}
