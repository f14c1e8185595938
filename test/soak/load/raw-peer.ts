import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A TCP connection for data that breaks the protocols. */
export class RawPeer {
  /** Resolves when both sides have ended. */
  readonly closed: Promise<void>;
  #received = '';

  private constructor(private readonly socket: Socket) {
    socket.on('data', (bytes) => {
      // Enough to recognise the answer.
      if (this.#received.length < 256) this.#received += bytes.toString('latin1');
    });
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  /** Connects; `undefined` if nobody listens. */
  static async connect(port: number): Promise<RawPeer | undefined> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    const peer = new RawPeer(socket);
    const isConnected = await Promise.race([
      new Promise<true>((resolve) => socket.once('connect', () => resolve(true))),
      peer.closed.then(() => false),
    ]);
    return isConnected ? peer : undefined;
  }

  /** The beginning of what the server has sent. */
  get received(): string {
    return this.#received;
  }

  write(data: string | Uint8Array): void {
    if (this.socket.writable) this.socket.write(data);
  }

  /** Waits until the server has begun to answer, or has ended its side. */
  async answered(): Promise<void> {
    if (this.#received !== '' || this.socket.readableEnded) return;
    const [answer, end] = ['data', 'end'].map((event) => new Promise((resolve) => this.socket.once(event, resolve)));
    await Promise.race([answer, end, this.closed]);
  }

  /** Stops reading. */
  pause(): void {
    this.socket.pause();
  }

  /** Ends this side. */
  end(): void {
    this.socket.end();
  }

  /** Resets the connection. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** @returns True if the server ended the connection in time. */
  async endedWithin(timeout: number): Promise<boolean> {
    const timer = new AbortController();
    // Reads to the end, so that the event `end` is emitted, and then ends its own side.
    if (this.socket.readableEnded) this.socket.end();
    else this.socket.once('end', () => this.socket.end()).resume();
    const ended = await Promise.race([
      this.closed.then(() => true),
      delay(timeout, false, { signal: timer.signal }).catch(() => true),
    ]);
    timer.abort();
    return ended;
  }
}
