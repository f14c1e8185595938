import { connect, type OnReadOpts, type Socket } from 'node:net';
import type { Exchange } from '../exchanges.js';
import { clientFrame, serverFrame } from './frames.js';
import { Opening } from './opening.js';
import { ReplyCounter } from './reply-counter.js';

const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: 127.0.0.1',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  '',
  '',
].join('\r\n');

/** Read bytes are done with before the next are read, so one piece of memory serves all connections. */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

export interface ClientOptions {
  readonly port: number;
  readonly exchange: Exchange;
  /** How many requests are without their reply at any time. */
  readonly inFlight: number;
  readonly onReplies: (count: number) => void;
}

/**
 * One connection under load: a raw socket, as a WebSocket client would cost more than some servers. What goes wrong
 * on it is thrown from its events and ends the process, for there is nothing left to measure.
 */
export class Client {
  readonly #options: ClientOptions;
  readonly #socket: Socket;
  /** As many requests as may be in flight, so that any number of them is one write. */
  readonly #requests: Buffer;
  readonly #requestLength: number;
  readonly #reply: Buffer;
  #receive: (bytes: Uint8Array, length: number) => void = () => undefined;
  /** Replies that have yet to come. */
  #due = 0;
  #onDrained: (() => void) | undefined;
  #isClosed = false;

  constructor(options: ClientOptions) {
    const { port, exchange, inFlight } = options;
    const request = clientFrame(exchange.request, exchange.isText);
    this.#options = options;
    this.#requestLength = request.length;
    this.#requests = Buffer.concat(Array.from({ length: inFlight }, () => request));
    this.#reply = serverFrame(exchange.reply, exchange.isText);
    this.#socket = connect({ host: '127.0.0.1', port, noDelay: true, onread: this.#reader() });
    this.#socket.on('close', () => {
      if (!this.#isClosed) throw new Error('the server closed a connection');
    });
  }

  /**
   * Upgrades the connection and sees that one request is answered as it should be, byte for byte.
   * @throws Error if not.
   */
  async open(): Promise<void> {
    const opening = new Opening();
    this.#receive = (bytes, length) => opening.push(bytes.subarray(0, length));
    this.#socket.write(UPGRADE);
    const head = (await opening.takeHead()).toString('latin1');
    if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`the server refused an upgrade: ${head}`);
    if (this.#options.exchange.isGreeted) await opening.takeFrame();
    this.#send(1);
    const reply = await opening.takeFrame();
    if (!reply.equals(this.#reply)) throw new Error(`the server replied ${reply.toString('hex')}`);
  }

  /** Keeps its requests in flight from now on: each reply makes room for one more. */
  start(): void {
    const { inFlight, onReplies } = this.#options;
    const counter = new ReplyCounter(this.#reply);
    this.#receive = (bytes, length) => {
      const replies = counter.count(bytes, length);
      onReplies(replies);
      this.#due -= replies;
      if (this.#onDrained) {
        if (this.#due === 0) this.#onDrained();
      } else if (replies > 0) {
        this.#send(replies);
        this.#due = inFlight;
      }
    };
    this.#send(inFlight);
    this.#due = inFlight;
  }

  /** Waits for the replies that are due, so that the server is idle when another is measured, and closes. */
  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #send(count: number): void {
    this.#socket.write(this.#requests.subarray(0, count * this.#requestLength));
  }

  /** Reads without the stream's own buffers and events. */
  #reader(): OnReadOpts {
    return {
      buffer: READ_BUFFER,
      callback: (length, bytes) => {
        this.#receive(bytes, length);
        return true;
      },
    };
  }
}
