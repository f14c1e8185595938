import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * Hands each connection to the next node, whoever it comes from: nothing is sticky. It passes bytes on and knows nothing of
 * HTTP or WebSockets, as simple load balancers do.
 */
export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** @param next The port of the node whose turn it is. */
  constructor(next: () => number | undefined) {
    this.#server = createServer((client) => {
      const port = next();
      if (port === undefined) {
        client.destroy();
        return;
      }
      this.#join(client, connect(port, '127.0.0.1'));
    });
  }

  /** @returns The port. */
  async listen(port: number): Promise<number> {
    this.#server.listen(port);
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket, node: Socket): void {
    for (const [socket, other] of [
      [client, node],
      [node, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay();
      socket.pipe(other);
      // The other end of a connection that broke is cut, too.
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
