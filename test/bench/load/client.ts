import { connect, type OnReadOpts, type Socket } from 'node:net';
import type { Exchange } from '../exchanges.js';
import { clientFrame } from './frames.js';
import { Opening } from './opening.js';

/** Memory for the read bytes of all connections: they are processed before the next ones are read. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/** Called for received data: the first `length` bytes of `bytes`, whose memory is reused. */
export type Receive = (bytes: Uint8Array, length: number) => void;

/**
 * One connection under load: a raw socket, as a WebSocket client would use more CPU time than some servers. Errors are
 * thrown from its events and end the process, because the measurement is then invalid.
 */
export class Client {
  readonly socket: Socket;
  onReceive: Receive = () => undefined;
  readonly #opening = new Opening();
  #isClosed = false;

  constructor(
    port: number,
    private readonly exchange: Exchange,
  ) {
    this.onReceive = (bytes, length) => this.#opening.push(bytes.subarray(0, length));
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true, onread: this.#reader() });
    this.socket.on('close', () => {
      if (!this.#isClosed) throw new Error('the server closed a connection');
    });
  }

  /** Upgrades the connection, and performs the start of the protocol. */
  async open(): Promise<void> {
    const { path, opening } = this.exchange;
    this.socket.write(upgradeRequest(path));
    const head = (await this.#opening.takeHead()).toString('latin1');
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`the server refused an upgrade: ${head}`);
    for (const step of opening) {
      if (step === 'message') await this.#opening.takeFrame();
      else this.socket.write(clientFrame(Buffer.from(step.send), true));
    }
  }

  /**
   * Sends one request and checks each byte of its reply.
   * @throws Error if it is not the expected one.
   */
  async check(request: Buffer, expected: Buffer): Promise<void> {
    this.socket.write(request);
    const reply = await this.#opening.takeFrame();
    if (!reply.equals(expected)) throw new Error(`the server replied ${reply.toString('hex')}`);
  }

  /** Sends one request and waits for its reply. */
  async ask(request: Buffer): Promise<void> {
    this.socket.write(request);
    await this.#opening.takeFrame();
  }

  close(): void {
    this.#isClosed = true;
    this.socket.destroy();
  }

  /** Reads without the stream's own buffers and events. */
  #reader(): OnReadOpts {
    return {
      buffer: READ_BUFFER,
      callback: (length, bytes) => {
        this.onReceive(bytes, length);
        return true;
      },
    };
  }
}

/** Opens connections, a few at a time, as servers have a backlog. */
export async function openClients(port: number, exchange: Exchange, count: number): Promise<Client[]> {
  const clients: Client[] = [];
  while (clients.length < count) {
    const batch = Array.from({ length: Math.min(100, count - clients.length) }, () => new Client(port, exchange));
    await Promise.all(batch.map((client) => client.open()));
    clients.push(...batch);
  }
  return clients;
}

function upgradeRequest(path: string): string {
  return [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '',
    '',
  ].join('\r\n');
}
