import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy that passes on all data of the client, but only the requested amount of the data of the server. */
export class SlowLink {
  readonly #sockets = new Set<Socket>();
  readonly #passing: ((allowance: number) => void)[] = [];

  private constructor(private readonly server: Server) {}

  /** @param target Port on this machine that connections go to. */
  static async start(target: number): Promise<SlowLink> {
    const server = createServer();
    const link = new SlowLink(server);
    server.on('connection', (client) => link.#serve(client, connect(target, '127.0.0.1')));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return link;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Passes on at most this number of bytes of each connection. */
  pass(allowance: number): void {
    for (const pass of this.#passing) pass(allowance);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #serve(client: Socket, server: Socket): void {
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    client.pipe(server);
    // The response to the upgrade passes at once.
    server.once('readable', () => client.write(server.read() as Buffer));
    this.#passing.push((allowance) => {
      const bytes = server.read(Math.min(allowance, server.readableLength)) as Buffer | null;
      if (bytes) client.write(bytes);
    });
  }
}
