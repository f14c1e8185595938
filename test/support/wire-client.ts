import { once } from 'node:events';
import type { Socket } from 'node:net';
import { decodeMessage, encodeMessage, MessageType, Payload, requestType, signalType } from 'nestjs-webwire/protocol';
import type { ProtocolMessage } from 'nestjs-webwire/protocol';
import { WebSocket, type ClientOptions } from 'ws';
import { Queue } from './queue.js';

/** The end of a connection, as the client received it. */
export interface Closing {
  code: number;
  reason: string;
}

/** A client that sends nothing by itself. It queues all messages from the first tick on. */
export class WireClient {
  readonly closed: Promise<Closing>;
  readonly #arrived = new Queue<Buffer>();
  #requests = 0;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (bytes: Buffer) => this.#arrived.push(bytes));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.#arrived.end(new Error('the connection ended before a message arrived'));
        resolve({ code, reason: reason.toString() });
      });
    });
  }

  /** Connects. The AcceptConf is taken from the queue, unless `keepAcceptConf` is set. */
  static async connect(url: string, options: ClientOptions & { keepAcceptConf?: boolean } = {}): Promise<WireClient> {
    const { keepAcceptConf = false, ...socketOptions } = options;
    const client = new WireClient(new WebSocket(url, socketOptions));
    await once(client.socket, 'open');
    if (!keepAcceptConf) await client.nextBytes();
    return client;
  }

  /** The bytes of the next message. Rejects if the connection ends first. */
  nextBytes(): Promise<Buffer> {
    return this.#arrived.take();
  }

  async next(): Promise<ProtocolMessage> {
    return decodeMessage(await this.nextBytes());
  }

  sendBytes(bytes: Uint8Array | string): void {
    this.socket.send(typeof bytes === 'string' ? Buffer.from(bytes, 'hex') : bytes);
  }

  /** Writes bytes directly to the TCP connection. */
  writeRaw(hex: string): void {
    const { _socket: tcp } = this.socket as unknown as { _socket: Socket };
    tcp.write(Buffer.from(hex, 'hex'));
  }

  /** Sends a request; returns its identifier. */
  send(name: string, body: Payload | string = ''): Uint8Array {
    const { encoding, bytes } = typeof body === 'string' ? Payload.utf8(body) : body;
    const id = Buffer.alloc(8);
    id.writeUInt32LE(++this.#requests);
    this.sendBytes(encodeMessage({ type: requestType(encoding), id, name, payload: bytes }));
    return id;
  }

  /** Sends a request and waits for the next message in a short form: `reply text`, `error CODE: message`, … */
  async ask(name: string, body: Payload | string = ''): Promise<string> {
    this.send(name, body);
    return describe(await this.next());
  }

  signal(name: string, body: Payload | string = ''): void {
    const { encoding, bytes } = typeof body === 'string' ? Payload.utf8(body) : body;
    this.sendBytes(encodeMessage({ type: signalType(encoding), name, payload: bytes }));
  }

  async close(): Promise<Closing> {
    this.socket.close(1000);
    return this.closed;
  }
}

/** A short form of a message in one line, for assertions. */
export function describe(message: ProtocolMessage): string {
  switch (message.type) {
    case MessageType.ReplyBinary:
      return `binary ${Buffer.from(message.payload).toString('hex')}`.trimEnd();
    case MessageType.ReplyUtf8:
      return `utf8 ${new Payload('utf8', message.payload).text()}`.trimEnd();
    case MessageType.ReplyUtf16:
      return `utf16 ${new Payload('utf16', message.payload).text()}`.trimEnd();
    case MessageType.ReplyError:
      return `error ${message.code}: ${message.message}`;
    case MessageType.SignalBinary:
      return `signal ${message.name} binary ${Buffer.from(message.payload).toString('hex')}`;
    case MessageType.SignalUtf8:
      return `signal ${message.name} utf8 ${new Payload('utf8', message.payload).text()}`;
    case MessageType.SignalUtf16:
      return `signal ${message.name} utf16 ${new Payload('utf16', message.payload).text()}`;
    case MessageType.ReplyInternalError:
      return 'internal error';
    case MessageType.ReplyShutdown:
      return 'shutdown';
    case MessageType.ReplySessionsDisabled:
      return 'sessions disabled';
    default:
      return `type ${message.type}`;
  }
}
