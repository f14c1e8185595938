import type { ConnectionRequest } from './ports/transport-connection.js';

/**
 * The handshake of a client that connects. Handshake guards get it with `switchToWs().getData()`. Values that they set in
 * it apply to the connection.
 */
export class Handshake {
  /** Values of the application, such as the user; the connection has them as `connection.info`. */
  info: Record<string, unknown> = {};

  /** Made by the server for each upgrade request. */
  constructor(
    /** The upgrade request. */
    readonly request: ConnectionRequest,
    /** IP address of the peer; `undefined` if the transport has none. */
    readonly remoteAddress: string | undefined,
    /**
     * Most handlers that may run at once for this connection: an integer of at least 1, or Infinity.
     * @default `concurrencyLimit` of the server
     */
    public concurrencyLimit: number,
    /** WebSocket sub-protocol that the server chose from those that the client offers; empty for none. */
    readonly protocol: string = '',
    /** IP address of the client, which differs from that of the peer behind a proxy in `trustProxy`. */
    readonly ip: string | undefined = remoteAddress,
  ) {}
}

/** Rejects a client that asks to connect, with an HTTP response. */
export class HandshakeRejection extends Error {
  override readonly name = 'HandshakeRejection';

  /**
   * @param status HTTP status code of a failure: 400 to 599.
   * @param message Body of the response.
   * @throws RangeError for any other status, as the client would take the rejection for a success.
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
