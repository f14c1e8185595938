import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A TCP proxy that passes on as much of what the server sends as it is told to, and everything that the client sends. */
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

  /** Passes on at most so many bytes of each connection, if so many have arrived. */
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
    // The opening handshake.
    server.once('readable', () => client.write(server.read() as Buffer));
    this.#passing.push((allowance) => {
      const bytes = server.read(Math.min(allowance, server.readableLength)) as Buffer | null;
      if (bytes) client.write(bytes);
    });
  }
}
