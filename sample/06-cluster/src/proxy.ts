import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * Forwards each connection to the next node, without sticky sessions. It forwards bytes without parsing
 * HTTP or WebSocket, like a simple load balancer.
 */
export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** @param next Returns the port of the next node. */
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
      // If one side breaks, the other side is closed, too.
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
