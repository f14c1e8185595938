import type { ConnectionRequest } from './ports/transport-connection.js';

/**
 * A client that asks to connect: what a handshake guard gets with `switchToWs().getData()`. What it sets here belongs to
 * the connection to be.
 */
export class Handshake {
  /** Values of the application's own, such as who the client is: `connection.info` from then on. */
  info: Record<string, unknown> = {};

  /** Made by the server for each upgrade request. */
  constructor(
    /** The upgrade request. */
    readonly request: ConnectionRequest,
    /** IP address of the peer; `undefined` if the transport knows none. */
    readonly remoteAddress: string | undefined,
    /** Handlers that may run at once for this connection: an integer of at least 1, or Infinity. */
    public concurrencyLimit: number,
    /** WebSocket sub-protocol that the server chose of those that the client offers; empty for none. */
    readonly protocol: string = '',
  ) {}
}

/** Why a client must not connect, as its HTTP response says it. */
export class HandshakeRejection extends Error {
  override readonly name = 'HandshakeRejection';

  /**
   * @param status HTTP status code of a failure: 400 to 599.
   * @param message Body of the response.
   * @throws RangeError for any other status: a refusal must not look like a success.
   */
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    if (!Number.isInteger(status) || status < 400 || status > 599) {
      throw new RangeError(`a handshake is refused with a status from 400 to 599, not ${String(status)}`);
    }
  }
}
