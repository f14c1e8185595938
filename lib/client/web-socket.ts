import { Inbox } from './inbox.js';
import { afterTurn, type WebSocketConstructor, type WebSocketLike } from './platform.js';
import { refusalOf, watchRefusals, type Refusal } from './refusal.js';

/** The end of a WebSocket. */
export interface SocketEnd {
  /** Close code; 1006 if the connection broke, or never came about. */
  readonly code: number;
  /** The reason of the close frame, unchecked. */
  readonly reason: string;
  /** The error that the platform reported, if any. */
  readonly cause: unknown;
  /** The HTTP response of a server that refused the upgrade, as far as the platform shows it. */
  readonly refusal: Refusal | undefined;
}

/** Receives the events of a `ClientSocket`. */
export interface SocketListener {
  opened(): void;
  /** @param message Bytes; or a string, if the server sent a text frame. */
  received(message: Uint8Array<ArrayBuffer> | string): void;
  /** Called once, after all messages. */
  closed(end: SocketEnd): void;
}

const OPEN = 1;
const ABNORMAL = 1006;
const NO_STATUS = 1005;

/** After an error on an open connection, `close` has to follow within this time, in milliseconds. */
const CLOSE_GRACE = 2_000;

type Arrival = Uint8Array<ArrayBuffer> | string | SocketEnd;

/**
 * A WebSocket of any platform, with the behaviour that they should all have: each message in a turn of its own, as bytes; one
 * end, after all messages, never within a call of `close()`, and also if the platform dispatches `error` alone.
 */
export class ClientSocket {
  readonly #socket: WebSocketLike;
  readonly #listener: SocketListener;
  readonly #inbox = new Inbox<Arrival>((arrival) => this.#deliver(arrival));
  #isOpened = false;
  #isCalled = false;
  /** The end was put into the inbox: events that follow are too late. */
  #hasEnded = false;
  #cause: unknown;
  #graceTimer: ReturnType<typeof setTimeout> | undefined;

  /** Connects. Throws what the constructor of the WebSocket throws. */
  constructor(WebSocket: WebSocketConstructor, url: string, listener: SocketListener) {
    this.#listener = listener;
    this.#socket = new WebSocket(url);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.addEventListener('open', () => this.#open());
    this.#socket.addEventListener('message', (event) => this.#receive((event as { data: unknown }).data));
    this.#socket.addEventListener('error', (event) => this.#fail(event));
    this.#socket.addEventListener('close', (event) => this.#close(event));
    watchRefusals(this.#socket, (refusal) => {
      const cause = new Error(`Unexpected server response: ${refusal.status}`);
      this.#end({ code: ABNORMAL, reason: '', cause, refusal });
      this.cut();
    });
  }

  get isOpen(): boolean {
    return !this.#hasEnded && this.#socket.readyState === OPEN;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  send(message: Uint8Array<ArrayBuffer>): void {
    this.#socket.send(message);
  }

  close(code: number, reason?: string): void {
    this.#isCalled = true;
    try {
      this.#socket.close(code, reason);
    } finally {
      this.#isCalled = false;
    }
  }

  /** Cuts the connection without waiting for the server, where the platform can. */
  cut(): void {
    this.#socket.terminate?.();
  }

  #open(): void {
    if (this.#hasEnded) return;
    this.#isOpened = true;
    this.#listener.opened();
  }

  #receive(data: unknown): void {
    if (!this.#hasEnded) this.#inbox.push(bytesOf(data));
  }

  #fail(event: object): void {
    this.#cause ??= causeOf(event);
    const fail = () => this.#end({ code: ABNORMAL, reason: '', cause: this.#cause, refusal: refusalOf(this.#cause) });
    // Node.js 22 dispatches no `close` for a connection that never came about. Others do so in the same turn.
    if (!this.#isOpened) afterTurn(fail);
    else this.#graceTimer ??= setTimeout(fail, CLOSE_GRACE);
  }

  #close(event: object): void {
    const { code, reason, wasClean } = event as { code?: number; reason?: unknown; wasClean?: boolean };
    this.#end({
      // Deno reports 0 for a connection that never came about, React Native may report nothing.
      code: code || (wasClean ? NO_STATUS : ABNORMAL),
      reason: typeof reason === 'string' ? reason : '',
      cause: this.#cause,
      refusal: refusalOf(this.#cause),
    });
  }

  #end(end: SocketEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#graceTimer);
    // Node.js 24 dispatches `close` within `close()`.
    if (this.#isCalled) afterTurn(() => this.#inbox.push(end));
    else this.#inbox.push(end);
  }

  #deliver(arrival: Arrival): void {
    if (typeof arrival === 'string' || ArrayBuffer.isView(arrival)) this.#listener.received(arrival);
    else this.#listener.closed(arrival);
  }
}

/** Reads the data of a message, which some platforms deliver in another form than `binaryType` asks for. */
function bytesOf(data: unknown): Uint8Array<ArrayBuffer> | string | PromiseLike<Uint8Array<ArrayBuffer> | string> {
  if (typeof data === 'string') return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  if (Array.isArray(data)) return joined(data.map((part) => bytesOf(part) as Uint8Array));
  const { arrayBuffer } = data as { arrayBuffer?: unknown };
  if (typeof arrayBuffer !== 'function') return new Uint8Array(data as ArrayBuffer);
  // An unreadable Blob is treated as a text frame: both end the connection.
  return (data as Blob).arrayBuffer().then(
    (buffer) => new Uint8Array(buffer),
    () => 'unreadable',
  );
}

/** A `Blob`, as far as it is used. */
interface Blob {
  arrayBuffer(): Promise<ArrayBuffer>;
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** `error` events have an `error`, a `message` (React Native), or neither (browsers). Node.js has one without any content. */
function causeOf(event: object): unknown {
  const { error, message } = event as { error?: unknown; message?: unknown };
  const { message: text, code, errors } = (error ?? {}) as { message?: unknown; code?: unknown; errors?: unknown };
  if (text || code || errors) return error;
  return typeof message === 'string' && message !== '' ? new Error(message) : undefined;
}
