import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Random } from '../soak/load/random.js';

/** The disturbance of one connection through the proxy. */
export type Fate =
  /** The connection is refused. */
  | { does: 'refuse' }
  /** Both sides are cut after this number of bytes, of both directions together. */
  | { does: 'cut'; after: number }
  /** After this number of bytes, one direction ends, as if its sender had ended its side. */
  | { does: 'half-close'; after: number; end: 'client' | 'server' }
  /** The data of the client is also sent on a second connection, whose answers are discarded; then all are cut. */
  | { does: 'duplicate'; after: number };

/** A TCP proxy through which connections are delayed, cut, half-closed and duplicated. */
export class ChaosProxy {
  readonly #sockets = new Set<Socket>();
  readonly fates: Fate[] = [];

  private constructor(
    private readonly server: Server,
    private readonly target: number,
    private readonly random: Random,
    private readonly maxDelay: number,
  ) {}

  /**
   * @param target Port on this machine that connections go to.
   * @param maxDelay Longest time that bytes are held back, in milliseconds.
   */
  static async start(target: number, random: Random, maxDelay: number): Promise<ChaosProxy> {
    const server = createServer({ allowHalfOpen: true });
    const proxy = new ChaosProxy(server, target, random, maxDelay);
    server.on('connection', (client) => proxy.#serve(client));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #serve(client: Socket): void {
    const fate = this.#draw();
    this.fates.push(fate);
    this.#keep(client);
    if (fate.does === 'refuse') {
      client.destroy();
      return;
    }
    const server = this.#dial();
    const mirror = fate.does === 'duplicate' ? this.#dial() : undefined;
    mirror?.resume();
    let passed = 0;
    const pass = (from: Socket, to: Socket, side: 'client' | 'server') => {
      const queue = new DelayedWriter(to, () => this.random.between(0, this.maxDelay));
      from.on('data', (chunk: Buffer) => {
        passed += chunk.length;
        const isDue = 'after' in fate && passed >= fate.after;
        if (isDue && fate.does !== 'half-close') {
          for (const socket of [client, server, mirror]) socket?.destroy();
          return;
        }
        queue.write(chunk);
        if (side === 'client' && mirror?.writable) mirror.write(chunk);
        if (isDue && fate.does === 'half-close' && fate.end === side) queue.end();
      });
      from.on('end', () => queue.end());
      from.on('close', () => {
        to.destroy();
        mirror?.destroy();
      });
    };
    pass(client, server, 'client');
    pass(server, client, 'server');
  }

  #dial(): Socket {
    return this.#keep(connect({ port: this.target, host: '127.0.0.1', allowHalfOpen: true }));
  }

  #keep(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }

  #draw(): Fate {
    const { random } = this;
    const after = random.between(500, 80_000);
    return random.weigh<Fate>([
      [1, { does: 'refuse' }],
      [1, { does: 'half-close', after, end: 'client' }],
      [1, { does: 'half-close', after, end: 'server' }],
      [2, { does: 'duplicate', after }],
      [4, { does: 'cut', after }],
    ]);
  }
}

/** Writes chunks in order, each one with a delay. */
class DelayedWriter {
  #last: Promise<void> = Promise.resolve();
  #isEnded = false;

  constructor(
    private readonly target: Socket,
    private readonly delay: () => number,
  ) {}

  write(chunk: Buffer): void {
    this.#then(() => this.target.write(chunk));
  }

  end(): void {
    if (this.#isEnded) return;
    this.#then(() => this.target.end());
    this.#isEnded = true;
  }

  #then(act: () => unknown): void {
    if (!this.#isEnded) this.#last = this.#after(this.#last, act);
  }

  async #after(before: Promise<void>, act: () => unknown): Promise<void> {
    await before;
    const delay = this.delay();
    if (delay > 0) await setTimeout(delay);
    if (!this.target.destroyed && this.target.writable) act();
  }
}
