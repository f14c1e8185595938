import { afterTurn, type WebSocketConstructor, type WebSocketLike } from './platform.js';
import { TurnQueue } from './turn-queue.js';
import type { Address } from './target.js';
import type { ClientHeaders } from './url.js';
import { onUpgradeRejected, rejectionFrom, type UpgradeRejection } from './failure-details.js';

/** The end of a WebSocket. */
export interface SocketEnd {
  /** Close code; 1006 for a broken or failed connection. */
  readonly code: number;
  /** Reason of the close frame, unchecked; empty without one. */
  readonly reason: string;
  /** The error that the platform reported, if any. */
  readonly cause: unknown;
  /** The HTTP response of a server that rejected the upgrade, if the platform exposes it. */
  readonly rejection?: UpgradeRejection | undefined;
}

/** Receives the events of a `ClientSocket`. */
export interface ClientSocketListener {
  opened(): void;
  /** @param message A string if the server sent a text frame. */
  received(message: Uint8Array<ArrayBuffer> | string): void;
  /** Called exactly once, after all messages. */
  closed(end: SocketEnd): void;
}

const OPEN = 1;

/** Close codes that are never sent (RFC 6455, section 7.4.1): no code was received; the connection broke or failed. */
const NO_STATUS_RECEIVED = 1005;
export const ABNORMAL_CLOSURE = 1006;

/** Timeout for the event `close` after an error of an open connection, in milliseconds. */
const CLOSE_EVENT_TIMEOUT = 2_000;

type WebSocketWithHeaders = new (url: string, ...options: { readonly headers: ClientHeaders }[]) => WebSocketLike;

type Arrival = Uint8Array<ArrayBuffer> | string | SocketEnd;

/**
 * A WebSocket with the same behaviour on all platforms: it delivers each message as bytes, in its own turn of the event loop.
 * It reports its end exactly once, after all messages, never within a call of `close()`, and also if the platform dispatches
 * only `error`.
 */
export class ClientSocket {
  readonly #socket: WebSocketLike;
  readonly #listener: ClientSocketListener;
  readonly #queue = new TurnQueue<Arrival>((arrival) => this.#deliver(arrival));
  #isOpened = false;
  #isInClose = false;
  /** The end is in the queue, so later events are ignored. */
  #hasEnded = false;
  #cause: unknown;
  #graceTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * Connects.
   * @throws Errors of the WebSocket constructor.
   */
  constructor(WebSocket: WebSocketConstructor, { url: { href }, headers }: Address, listener: ClientSocketListener) {
    this.#listener = listener;
    const WithHeaders: WebSocketWithHeaders = WebSocket;
    // React Native takes headers in the third argument, Node.js, Bun and Deno in the second, the package `ws` in both.
    this.#socket = headers ? new WithHeaders(href, { headers }, { headers }) : new WebSocket(href);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.addEventListener('open', () => this.#open());
    this.#socket.addEventListener('message', (event) => this.#receive((event as { data: unknown }).data));
    this.#socket.addEventListener('error', (event) => this.#fail(event));
    this.#socket.addEventListener('close', (event) => this.#close(event));
    onUpgradeRejected(this.#socket, (rejection) => {
      this.#cause = new Error(`Unexpected server response: ${rejection.status}`);
      this.#end(ABNORMAL_CLOSURE, '', rejection);
      this.terminate();
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
    this.#isInClose = true;
    try {
      this.#socket.close(code, reason);
    } finally {
      this.#isInClose = false;
    }
  }

  /** Ends the connection without waiting for the server, if the platform supports it. */
  terminate(): void {
    this.#socket.terminate?.();
  }

  #open(): void {
    if (this.#hasEnded) return;
    this.#isOpened = true;
    this.#listener.opened();
  }

  #receive(data: unknown): void {
    if (!this.#hasEnded) this.#queue.push(bytesOf(data));
  }

  #fail(event: object): void {
    this.#cause ??= errorFromEvent(event);
    const fail = () => this.#end(ABNORMAL_CLOSURE, '');
    // Node.js 22 does not dispatch `close` after a failed attempt. Other platforms do so in the same turn.
    if (!this.#isOpened) afterTurn(fail);
    else this.#graceTimer ??= setTimeout(fail, CLOSE_EVENT_TIMEOUT);
  }

  #close(event: object): void {
    const { code: given, reason, wasClean } = event as { code?: number; reason?: unknown; wasClean?: boolean };
    // Deno reports 0 for a failed attempt, React Native may report no code.
    const code = given || (wasClean ? NO_STATUS_RECEIVED : ABNORMAL_CLOSURE);
    const text = typeof reason === 'string' ? reason : '';
    if (code !== ABNORMAL_CLOSURE) return this.#end(code, text);
    // No server has sent this reason, as there was no close frame: it is the error message of React Native.
    if (text !== '') this.#cause ??= new Error(text);
    this.#end(code, '');
  }

  #end(code: number, reason: string, rejection = rejectionFrom(this.#cause)): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearTimeout(this.#graceTimer);
    const end = { code, reason, cause: this.#cause, rejection };
    // Node.js 24 dispatches the event `close` within the method `close()`.
    if (this.#isInClose) afterTurn(() => this.#queue.push(end));
    else this.#queue.push(end);
  }

  #deliver(arrival: Arrival): void {
    if (typeof arrival === 'string' || ArrayBuffer.isView(arrival)) this.#listener.received(arrival);
    else this.#listener.closed(arrival);
  }
}

/** Converts the data of a message to bytes: some platforms ignore `binaryType`. */
function bytesOf(data: unknown): Uint8Array<ArrayBuffer> | string | PromiseLike<Uint8Array<ArrayBuffer> | string> {
  if (typeof data === 'string') return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  // Platforms that honour `binaryType` never deliver a message in parts, so this may be slow.
  if (Array.isArray(data)) return Uint8Array.from(data.flatMap((part) => [...(bytesOf(part) as Uint8Array)]));
  const { arrayBuffer } = data as { arrayBuffer?: unknown };
  if (typeof arrayBuffer !== 'function') return new Uint8Array(data as ArrayBuffer);
  // A Blob that cannot be read becomes a string, which ends the connection like a text frame.
  return (data as Blob).arrayBuffer().then(
    (buffer) => new Uint8Array(buffer),
    () => 'unreadable',
  );
}

/** The method of a `Blob` that is used. */
interface Blob {
  arrayBuffer(): Promise<ArrayBuffer>;
}

/**
 * `error` events have an `error`, a `message` (older versions of React Native), or neither (browsers). In Node.js,
 * `error` may be an Error without message and code.
 */
function errorFromEvent(event: object): unknown {
  const { error, message } = event as { error?: unknown; message?: unknown };
  const { message: text, code, errors } = (error ?? {}) as { message?: unknown; code?: unknown; errors?: unknown };
  if (text || code || errors) return error;
  return typeof message === 'string' && message !== '' ? new Error(message) : undefined;
}
