import type { Listener, WebwireServer } from '../server/server.js';
import type { ListenTarget, Transport } from '../transport/transport.js';
import { getBun } from './bun-api.js';
import { BunPort } from './bun-port.js';
import { toBunTls } from './tls-options.js';

/** The ports of each application, by number. */
const PORTS = new WeakMap<object, Map<number, BunPort>>();

/**
 * Accepts WebSockets (RFC 6455) with `Bun.serve`, for gateways with ports of their own in applications that run on Bun. Gateways of
 * one application with the same port share it.
 *
 * @example WebwireModule.forRoot({ transport: new BunTransport() })
 */
export class BunTransport implements Transport {
  /**
   * @throws Error if the process does not run on Bun, the gateway has no port of its own, or the port cannot be opened;
   *   InvalidOptionError for an option of TLS that Bun does not have.
   */
  async listen(server: WebwireServer, { httpServer, port, tls, application = this }: ListenTarget): Promise<Listener> {
    const bun = getBun();
    if (httpServer || port === undefined) {
      throw new Error(
        'BunTransport cannot use the HTTP server of the application: give each gateway a port of its own, ' +
          'such as @WebwireGateway(3001), or the option transport: new WsTransport()',
      );
    }
    const bunTls = toBunTls(tls);
    const ports = PORTS.get(application) ?? new Map<number, BunPort>();
    PORTS.set(application, ports);
    // 0 is a new port each time.
    const bunPort = (port > 0 && ports.get(port)) || new BunPort(bun, port, bunTls);
    bunPort.add(server);
    ports.set(port, bunPort);
    const listener: Listener = {
      get address() {
        return bunPort.address;
      },
      close: async () => {
        bunPort.remove(server);
        if (bunPort.isEmpty && ports.get(port) === bunPort) ports.delete(port);
      },
    };
    try {
      await bunPort.opened;
    } catch (error) {
      await listener.close();
      throw error;
    }
    return listener;
  }
}
