import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy that can be shut: then it cuts all connections, and refuses new ones. */
export class Gate {
  readonly #sockets = new Set<Socket>();
  #isOpen = true;

  private constructor(
    private readonly server: Server,
    /** Port on this machine that new connections go to. */
    public target: number,
  ) {
    server.on('connection', (client: Socket) => {
      if (this.#isOpen) this.#join(client, connect(this.target, '127.0.0.1'));
      else client.destroy();
    });
  }

  /** @param target Port on this machine that connections go to. */
  static async start(target: number): Promise<Gate> {
    const server = createServer();
    const gate = new Gate(server, target);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return gate;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  shut(): void {
    this.#isOpen = false;
    this.#cut();
  }

  open(): void {
    this.#isOpen = true;
  }

  async close(): Promise<void> {
    this.#cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(client: Socket, server: Socket): void {
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.pipe(other);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
