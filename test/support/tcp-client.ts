import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** An upgrade request as browsers send it, for the path `/`. */
export const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '\r\n',
].join('\r\n');

/** A plain TCP connection. It sends only the given bytes, and does not end its side by itself. */
export class TcpClient {
  /** Resolves with all received data when the server has ended the connection. */
  readonly ended: Promise<string>;
  #received = '';
  #wake: () => void = () => undefined;

  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      this.#received += chunk;
      this.#wake();
    });
    this.ended = new Promise((resolve) => {
      const end = () => resolve(this.#received);
      socket.once('end', end).once('close', end);
    });
  }

  /** Connects; the connection is cut when the test is over. */
  static async connect(port: number): Promise<TcpClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    await once(socket, 'connect');
    return new TcpClient(socket);
  }

  /** Connects and becomes a WebSocket. */
  static async upgrade(port: number): Promise<TcpClient> {
    const client = await TcpClient.connect(port);
    client.send(UPGRADE);
    await client.received('101 Switching Protocols');
    return client;
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Waits until `part` has arrived. */
  async received(part: string): Promise<string> {
    return this.receivedWhen((received) => (received.includes(part) ? received : undefined));
  }

  /** Waits until `find` returns a value for all received data. */
  async receivedWhen<T>(find: (received: string) => T | undefined): Promise<T> {
    for (;;) {
      const found = find(this.#received);
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
