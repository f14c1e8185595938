import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** The first bytes that the client sent. */
  sent: string;
  isFrozen: boolean;
}

const REMEMBERED = 4_096;

/** A TCP proxy in front of one server. It can silence single connections without closing them, delay or slow all, and change the server. */
export class FreezingProxy {
  readonly #pairs = new Set<Pair>();

  private constructor(
    private readonly server: Server,
    /** Port on this machine that new connections go to. */
    public target: number,
    /** Delay of all bytes in each direction, in ms. */
    public delay: number,
    /** Bytes per ms that pass in each direction of a connection. */
    private readonly rate: number,
  ) {}

  static async start(target: number, { delay = 0, rate = Infinity } = {}): Promise<FreezingProxy> {
    const server = createServer();
    const proxy = new FreezingProxy(server, target, delay, rate);
    server.on('connection', (client) => proxy.#serve(client));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /**
   * Silences the existing connections in both directions. New connections work.
   * @param text Only those whose client has sent this among its first bytes.
   * @returns Number of silenced connections.
   */
  freeze(text = ''): number {
    const frozen = [...this.#pairs].filter(({ sent, isFrozen }) => !isFrozen && sent.toLowerCase().includes(text));
    for (const pair of frozen) pair.isFrozen = true;
    return frozen.length;
  }

  /** Ends all connections. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #serve(client: Socket): void {
    const server = connect({ port: this.target, host: '127.0.0.1', noDelay: true });
    client.setNoDelay(true);
    const pair: Pair = { client, server, sent: '', isFrozen: false };
    this.#pairs.add(pair);
    client.on('data', (chunk: Buffer) => {
      if (pair.sent.length < REMEMBERED) pair.sent += chunk.toString('latin1');
    });
    this.#pass(pair, client, server);
    this.#pass(pair, server, client);
  }

  #pass(pair: Pair, from: Socket, to: Socket): void {
    const later = (act: () => void) => {
      if (this.delay === 0) act();
      else setTimeout(act, this.delay);
    };
    let passed = Promise.resolve();
    let freeAt = 0;
    from.on('data', (chunk: Buffer) => {
      const write = () => {
        if (!pair.isFrozen && to.writable) to.write(chunk);
      };
      if (this.rate === Infinity) later(write);
      else
        passed = this.#slowly(passed, (freeAt = Math.max(freeAt, performance.now()) + chunk.length / this.rate), write);
    });
    from.on('error', () => from.destroy());
    from.on('close', () => {
      this.#pairs.delete(pair);
      // The end of a silenced connection is hidden from the client.
      if (!pair.isFrozen || to === pair.server) later(() => to.destroy());
    });
  }

  /** Writes after what was written before, when the link has had the time for it. */
  async #slowly(before: Promise<void>, time: number, write: () => void): Promise<void> {
    await before;
    const wait = time - performance.now();
    if (wait >= 1) await pause(wait);
    write();
  }
}
