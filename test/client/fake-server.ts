import { onTestFinished } from 'vitest';
import {
  WebwireClient,
  type WebwireClientOptions,
  type ClientUrl,
  type Fresh,
  type WebSocketConstructor,
} from 'nestjs-webwire/client';
import { Queue } from '../support/queue.js';

/** The first message of a server: version 2.0, read timeout 60 000 ms, message buffer 8 192 bytes, no sub-protocol. */
export const ACCEPT_CONF = '17020060ea000000200000';

/** Read before tests replace the timers. */
const { setImmediate } = globalThis;

/** Resolves in the next turn of the event loop: the client processes each message in its own turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** A fake `WebSocket` for the client, with methods for the server's side. It does nothing by itself. */
export class FakeSocket {
  binaryType = 'blob';
  readyState = 0;
  bufferedAmount = 0;
  /** The messages of the client, in hexadecimal digits. */
  readonly received = new Queue<string>();
  /** Close code and reason of the client: `code reason`. */
  readonly closed = new Queue<string>();
  /** Set to `false` if the server does not reply to the client's close frame. */
  answersClose = true;
  readonly #listeners: [type: string, listener: (event: object) => void][] = [];

  /** @param options All further arguments of the constructor. */
  constructor(
    readonly url: string,
    readonly options: readonly unknown[] = [],
  ) {}

  addEventListener(type: string, listener: (event: object) => void): void {
    this.#listeners.push([type, listener]);
  }

  send(data: Uint8Array): void {
    if (this.readyState === 0) throw new Error('still connecting');
    if (this.readyState === 1) this.received.push(Buffer.from(data).toString('hex'));
  }

  close(code?: number, reason = ''): void {
    if (code !== undefined && code !== 1000 && (code < 3000 || code > 4999)) throw new RangeError(`close code ${code}`);
    if (this.readyState >= 2) return;
    const wasOpen = this.readyState === 1;
    this.readyState = 2;
    this.closed.push(`${code} ${reason}`.trimEnd());
    if (this.answersClose) queueMicrotask(() => this.end(wasOpen ? code : 1006, wasOpen ? reason : ''));
  }

  terminate(): void {
    this.closed.push('terminated');
    this.end(1006);
  }

  /** The connection is open. */
  open(): this {
    this.readyState = 1;
    this.#dispatch('open', {});
    return this;
  }

  /** Opens the connection, and sends the first message of a server. */
  accept(conf = ACCEPT_CONF): this {
    this.open();
    this.say(conf);
    return this;
  }

  /** Sends a message, given in hexadecimal digits. */
  say(hex: string): void {
    this.deliver(Uint8Array.from(Buffer.from(hex, 'hex')).buffer);
  }

  /** Sends any data, also text. */
  deliver(data: unknown): void {
    this.#dispatch('message', { data });
  }

  /** Dispatches an event with any properties, in any state. */
  dispatch(type: string, event: object): void {
    this.#dispatch(type, event);
  }

  /** Ends the connection. */
  end(code = 1006, reason = '', error?: Error): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    if (error) this.#dispatch('error', { error });
    this.received.end(new Error('the connection ended'));
    this.#dispatch('close', { code, reason });
  }

  #dispatch(type: string, event: object): void {
    for (const [wanted, listener] of this.#listeners) if (wanted === type) listener(event);
  }
}

/** Has a `WebSocket` constructor, and a queue of the connections that were made with it. */
export class FakeServer {
  readonly sockets = new Queue<FakeSocket>();
  /** Number of connections that were dialed. */
  dials = 0;
  readonly webSocket: WebSocketConstructor;
  readonly #all: FakeSocket[] = [];

  constructor() {
    const dialed = (socket: FakeSocket) => {
      this.dials++;
      this.#all.push(socket);
      this.sockets.push(socket);
    };
    this.webSocket = class extends FakeSocket {
      constructor(url: string, ...options: unknown[]) {
        super(url, options);
        dialed(this);
      }
    };
  }

  /** Makes a client of this server. Both are closed after the test. */
  client(options: WebwireClientOptions = {}, url: Fresh<ClientUrl> = 'ws://localhost'): WebwireClient {
    const client = new WebwireClient(url, { webSocket: this.webSocket, ...options });
    onTestFinished(async () => {
      const closed = client.close();
      for (const socket of this.#all) socket.end();
      await closed;
    });
    return client;
  }

  /** The URLs that were dialed. */
  get urls(): string[] {
    return this.#all.map(({ url }) => url);
  }

  /** Resolves with the next connection. */
  dialed(): Promise<FakeSocket> {
    return this.sockets.take();
  }

  /** Resolves with the next connection after opening it. */
  async accept(conf = ACCEPT_CONF): Promise<FakeSocket> {
    const socket = (await this.dialed()).accept(conf);
    await nextTurn();
    return socket;
  }
}

/** The reply to the request whose identifier is `id`: `c0 id text`. */
export function replyUtf8(id: number, text = ''): string {
  return `c0${hexId(id)}${Buffer.from(text).toString('hex')}`;
}

/** 8 bytes, little-endian. */
export function hexId(id: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(id);
  return bytes.toString('hex');
}

/** Makes a client that is connected to a fake server. */
export async function connected(
  server: FakeServer,
  options: WebwireClientOptions = {},
): Promise<{ client: WebwireClient; socket: FakeSocket }> {
  const client = server.client(options);
  const connecting = client.connect();
  const socket = await server.accept();
  await connecting;
  return { client, socket };
}
