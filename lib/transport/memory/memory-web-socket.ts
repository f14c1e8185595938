import { setImmediate } from 'node:timers';
import type { Cable } from './cable.js';
import { MemoryCloseEvent, MemoryErrorEvent, MemoryMessageEvent } from './memory-web-socket-events.js';
import type { MemoryWebSocketEvents } from './memory-web-socket-events.js';
import type { Parcel } from './pipe.js';

/** Of a close reason, in bytes: a close frame has no room for more. */
const MAX_REASON_LENGTH = 123;

/** What a client did not say, and what happened when a connection broke (RFC 6455, section 7.4.1). */
const NO_CODE = 1005;
const ABNORMAL = 1006;

/**
 * The client's end of a connection of a `MemoryTransport`: a `WebSocket` as browsers have it, in all that a WebWire client
 * needs of one, with `pause()`, `resume()` and `terminate()` as the package `ws` has them.
 */
export class MemoryWebSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;

  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;
  readonly extensions = '';
  /** `'arraybuffer'`, or `'blob'`. */
  binaryType = 'arraybuffer';
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MemoryMessageEvent) => void) | null = null;
  onerror: ((event: MemoryErrorEvent) => void) | null = null;
  onclose: ((event: MemoryCloseEvent) => void) | null = null;
  #readyState: 0 | 1 | 2 | 3 = this.CONNECTING;
  #protocol = '';
  #cable: Cable | undefined;
  #isPaused = false;

  /**
   * Made by `MemoryTransport.connect()`, or by the constructor that `MemoryTransport.webSocket` is.
   * @param dial Asks the server, once whoever made this had the time to listen.
   */
  constructor(
    readonly url: string,
    dial: (socket: MemoryWebSocket) => void,
  ) {
    super();
    this.addEventListener('open', (event) => this.onopen?.(event));
    this.addEventListener('message', (event) => this.onmessage?.(event));
    this.addEventListener('error', (event) => this.onerror?.(event));
    this.addEventListener('close', (event) => this.onclose?.(event));
    setImmediate(() => dial(this));
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#readyState;
  }

  /** The sub-protocol that the server chose; empty for none. */
  get protocol(): string {
    return this.#protocol;
  }

  /** What the server has not read yet, in bytes. */
  get bufferedAmount(): number {
    return this.#cable?.toServer.bufferedAmount ?? 0;
  }

  override addEventListener<Type extends keyof MemoryWebSocketEvents>(
    type: Type,
    listener: (event: MemoryWebSocketEvents[Type]) => void,
    options?: { once?: boolean; signal?: AbortSignal },
  ): void;
  override addEventListener(...listener: Parameters<EventTarget['addEventListener']>): void;
  override addEventListener(...listener: Parameters<EventTarget['addEventListener']>): void {
    super.addEventListener(...listener);
  }

  override removeEventListener<Type extends keyof MemoryWebSocketEvents>(
    type: Type,
    listener: (event: MemoryWebSocketEvents[Type]) => void,
  ): void;
  override removeEventListener(...listener: Parameters<EventTarget['removeEventListener']>): void;
  override removeEventListener(...listener: Parameters<EventTarget['removeEventListener']>): void {
    super.removeEventListener(...listener);
  }

  /**
   * Sends one message; text is against the protocol, which is the server's to say. Lost if the connection is closing.
   * @throws DOMException if the connection is not open yet.
   */
  send(data: string | ArrayBufferLike | ArrayBufferView): void {
    if (this.#readyState === this.CONNECTING) throw new DOMException('Still in CONNECTING state', 'InvalidStateError');
    if (this.#readyState === this.OPEN) this.#cable!.toServer.push(typeof data === 'string' ? data : copy(data));
  }

  /**
   * Closes the connection, after what was sent. What `pause()` holds is delivered first.
   * @throws DOMException for a code or a reason that a close frame cannot have.
   */
  close(code?: number, reason = ''): void {
    assertCloseable(code, reason);
    if (this.#readyState === this.CONNECTING) this.terminate();
    if (this.#readyState !== this.OPEN) return;
    this.#readyState = this.CLOSING;
    this.#cable!.toServer.push({ code: code ?? NO_CODE, reason });
    this.resume();
  }

  /** Cuts the connection: the server gets no word of it, and what is on its way is lost. */
  terminate(): void {
    if (this.#readyState === this.CONNECTING) {
      this.#readyState = this.CLOSING;
      setImmediate(() => this.fail(new Error('The connection was closed before it was established')));
      this.#cable?.cut();
    } else if (this.#readyState !== this.CLOSED) {
      this.#readyState = this.CLOSING;
      this.#cable!.cut();
    }
  }

  /** Stops reading: what the server sends waits, and counts as its backlog. */
  pause(): void {
    this.#isPaused = true;
    this.#cable?.toClient.pause();
  }

  /** Reads again, if it did not; nothing is delivered before it returns. */
  resume(): void {
    this.#isPaused = false;
    this.#cable?.toClient.resume();
  }

  /** The server let it in. What it says follows when whoever waited for `open` had the time to listen. @internal */
  connected(cable: Cable, protocol: string): void {
    this.#cable = cable;
    this.#protocol = protocol;
    if (this.#isPaused) cable.toClient.pause();
    setImmediate(() => {
      if (this.#readyState !== this.CONNECTING) return;
      this.#readyState = this.OPEN;
      this.dispatchEvent(new Event('open'));
      cable.toClient.open();
    });
  }

  /** The connection does not come about. @internal */
  fail(error: Error): void {
    if (this.#readyState === this.CLOSED) return;
    this.#readyState = this.CLOSED;
    this.dispatchEvent(new MemoryErrorEvent(error));
    this.dispatchEvent(new MemoryCloseEvent(ABNORMAL, '', false));
  }

  /** @internal */
  deliver(parcel: Parcel): void {
    if (this.#readyState === this.CLOSED) return;
    if (parcel instanceof Uint8Array) {
      const { buffer } = parcel as Uint8Array<ArrayBuffer>;
      this.dispatchEvent(new MemoryMessageEvent(this.binaryType === 'blob' ? new Blob([buffer]) : buffer));
    } else if (typeof parcel !== 'string') {
      if (this.#readyState === this.OPEN) this.#cable!.toServer.push(parcel);
      this.#readyState = this.CLOSED;
      this.dispatchEvent(new MemoryCloseEvent(parcel.code, parcel.reason, true));
    }
  }

  /** @internal */
  lost(): void {
    if (this.#readyState === this.CLOSED) return;
    if (this.#readyState === this.CONNECTING) {
      this.fail(new Error('The connection broke before it was established'));
      return;
    }
    this.#readyState = this.CLOSED;
    this.dispatchEvent(new MemoryCloseEvent(ABNORMAL, '', false));
  }
}

/** Neither side may change what the other got. */
function copy(data: ArrayBufferLike | ArrayBufferView): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return new Uint8Array(data).slice();
}

function assertCloseable(code: number | undefined, reason: string): void {
  const isAllowed =
    code === undefined || (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || isCustom(code);
  if (!isAllowed) throw new DOMException(`${code} is no close code that can be sent`, 'InvalidAccessError');
  if (Buffer.byteLength(reason) > MAX_REASON_LENGTH) {
    throw new DOMException(`a close reason has at most ${MAX_REASON_LENGTH} bytes`, 'SyntaxError');
  }
}

function isCustom(code: number): boolean {
  return code >= 3000 && code <= 4999;
}
