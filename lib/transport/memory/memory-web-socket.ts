import { setImmediate } from 'node:timers';
import { MAX_CLOSE_REASON_LENGTH } from '../../common/close-reason.js';
import { ABNORMAL } from '../abnormal-closure.js';
import { isCloseCode } from '../ws/framing/close-code.js';
import type { Cable } from './cable.js';
import { MemoryCloseEvent, MemoryErrorEvent, MemoryMessageEvent } from './memory-web-socket-events.js';
import type { MemoryWebSocketEvents } from './memory-web-socket-events.js';
import type { MemoryFrame } from './pipe.js';

/** The close frame has no code (RFC 6455, section 7.4.1). */
const NO_CODE = 1005;

/**
 * The client's end of a connection of a `MemoryTransport`. It has the part of the browser's `WebSocket` API that a WebWire
 * client needs, and the methods `pause()`, `resume()` and `terminate()` of the package `ws`.
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
   * Called by `MemoryTransport.connect()` and by `MemoryTransport.webSocket`.
   * @param dial Connects to the server. Called in the next turn of the event loop, after listeners could be added.
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

  /** The sub-protocol that the server selected. Empty for none. */
  get protocol(): string {
    return this.#protocol;
  }

  /** Bytes of sent messages that the server has not read yet. */
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
   * Sends one message. A text message violates the WebWire protocol, so the server closes the connection. A message is dropped
   * if the connection is closing or closed.
   * @throws DOMException `InvalidStateError` if the connection is not open yet.
   */
  send(data: string | ArrayBufferLike | ArrayBufferView): void {
    if (this.#readyState === this.CONNECTING) throw new DOMException('Still in CONNECTING state', 'InvalidStateError');
    if (this.#readyState === this.OPEN) this.#cable!.toServer.push(typeof data === 'string' ? data : copyMessage(data));
  }

  /**
   * Closes the connection after all sent messages. Messages that `pause()` holds back are delivered first.
   * @throws DOMException `InvalidAccessError` for a code that a close frame must not contain; `SyntaxError` for a reason of more
   *   than 123 bytes of UTF-8.
   */
  close(code?: number, reason = ''): void {
    assertCloseable(code, reason);
    if (this.#readyState === this.CONNECTING) this.terminate();
    if (this.#readyState !== this.OPEN) return;
    this.#readyState = this.CLOSING;
    this.#cable!.toServer.push({ code: code ?? NO_CODE, reason });
    this.resume();
  }

  /** Breaks the connection without a close frame. Messages that were not delivered yet are lost. */
  terminate(): void {
    if (this.#readyState === this.CONNECTING) {
      this.#readyState = this.CLOSING;
      setImmediate(() => this.fail(new Error('The connection was closed before it was established')));
      this.#cable?.cut();
    } else if (this.#readyState !== this.CLOSED) {
      this.#readyState = this.CLOSING;
      // It has none if it was closed before it was open.
      this.#cable?.cut();
    }
  }

  /** Stops reading. Messages of the server wait, and count for its `bufferedAmount`. */
  pause(): void {
    this.#isPaused = true;
    this.#cable?.toClient.pause();
  }

  /** Ends `pause()`. Messages are delivered after this method returns. */
  resume(): void {
    this.#isPaused = false;
    this.#cable?.toClient.resume();
  }

  /** The server accepted the connection. Its messages are delivered after the event `open`. @internal */
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

  /** The connection could not be established. @internal */
  fail(error: Error): void {
    if (this.#readyState === this.CLOSED) return;
    this.#readyState = this.CLOSED;
    this.dispatchEvent(new MemoryErrorEvent(error));
    this.dispatchEvent(new MemoryCloseEvent(ABNORMAL, '', false));
  }

  /** @internal */
  deliver(frame: MemoryFrame): void {
    if (this.#readyState === this.CLOSED) return;
    if (frame instanceof Uint8Array) {
      const { buffer } = frame as Uint8Array<ArrayBuffer>;
      this.dispatchEvent(new MemoryMessageEvent(this.binaryType === 'blob' ? new Blob([buffer]) : buffer));
    } else if (typeof frame !== 'string') {
      if (this.#readyState === this.OPEN) this.#cable!.toServer.push(frame);
      this.#readyState = this.CLOSED;
      this.dispatchEvent(new MemoryCloseEvent(frame.code, frame.reason, true));
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

/** A copy, so that neither side can change the data of the other. */
function copyMessage(data: ArrayBufferLike | ArrayBufferView): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  return new Uint8Array(data).slice();
}

function assertCloseable(code: number | undefined, reason: string): void {
  if (code !== undefined && !isCloseCode(code)) {
    throw new DOMException(`${code} is no close code that can be sent`, 'InvalidAccessError');
  }
  if (Buffer.byteLength(reason) > MAX_CLOSE_REASON_LENGTH) {
    throw new DOMException(`a close reason has at most ${MAX_CLOSE_REASON_LENGTH} bytes`, 'SyntaxError');
  }
}
