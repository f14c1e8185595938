import {
  decodeMessage,
  encodeMessage,
  MessageType,
  PROTOCOL_MAJOR_VERSION,
  ProtocolError,
  type AcceptConfMessage,
  type ProtocolMessage,
} from '../protocol/index.js';
import type { ResolvedClientOptions } from './client-options.js';
import {
  BufferOverflowError,
  DialTimeoutError,
  DisconnectedError,
  IncompatibleProtocolVersionError,
  SubProtocolMismatchError,
} from './errors.js';
import { MAX_TIMER, type WebSocketLike } from './platform.js';

/** What a link tells whoever made it. */
export interface LinkListener {
  /** The server said its first message, and all is as it should be. */
  accepted(): void;
  /** A message after that. What it throws ends the link. */
  received(message: ProtocolMessage): void;
  /** The link is gone, or never came about. Called once, and nothing after it. */
  ended(error: Error): void;
}

const OPEN = 1;
const NORMAL = 1000;

/** Clients may close with 1000 and with codes of their own: 4002 stands for 1002, and so on (PROTOCOL.md, section 9). */
const OWN_CODES = 3000;

/** The longest first message, in bytes: it comes before the server has said how long its messages get. */
const MAX_ACCEPT_CONF_LENGTH = 65_536;

/** How long a server may take to answer a close frame, in milliseconds, before the connection is cut where that is possible. */
const CLOSE_TIMEOUT = 2_000;

/** Heartbeats come at no shorter intervals, in milliseconds, however short the server's read timeout is. */
const MIN_HEARTBEAT_INTERVAL = 10;

const HEARTBEAT = encodeMessage({ type: MessageType.Heartbeat });

/** One WebSocket, from dialing it to its end. */
export class Link {
  #socket: WebSocketLike | undefined;
  #conf: AcceptConfMessage | undefined;
  #isEnded = false;
  #failure: unknown;
  #lastSentAt = 0;
  /** Of dialing, then of heartbeats. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly options: ResolvedClientOptions,
    private readonly listener: LinkListener,
  ) {}

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return !this.#isEnded && this.#conf !== undefined && this.#socket?.readyState === OPEN;
  }

  /** Bytes that were sent and still wait for the network. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Connects. May end at once. */
  dial(): void {
    const { url, dialTimeout, webSocket: WebSocket } = this.options;
    try {
      this.#socket = new WebSocket(url);
    } catch (error) {
      this.#end(new DisconnectedError('could not connect', { cause: error }));
      return;
    }
    this.#listen(this.#socket);
    this.#timer = setTimeout(
      () => this.fail(new DialTimeoutError(`the server did not accept within ${dialTimeout} ms`)),
      dialTimeout,
    );
  }

  /**
   * Hands a message to the socket.
   * @throws BufferOverflowError if it does not fit the server's buffer; then nothing is sent.
   */
  send(message: Uint8Array): void {
    const { messageBufferSize } = this.#conf!;
    if (message.length > messageBufferSize) throw new BufferOverflowError(message.length, messageBufferSize);
    this.#socket!.send(message as Uint8Array<ArrayBuffer>);
    this.#lastSentAt = performance.now();
  }

  /** Closes the connection when all that was sent is on its way; `ended` follows. */
  close(): void {
    this.#shut(NORMAL, '');
    this.#closeTimer ??= setTimeout(() => {
      this.#socket?.terminate?.();
      this.#end(closedError());
    }, CLOSE_TIMEOUT);
  }

  /** Ends at once, and tells why. The socket closes by itself, unheard. */
  fail(error: Error): void {
    if (this.#isEnded) return;
    const isViolation = error instanceof ProtocolError;
    this.#shut(isViolation ? OWN_CODES + error.closeCode : NORMAL, isViolation ? error.code : '');
    this.#closeTimer ??= setTimeout(() => this.#socket?.terminate?.(), CLOSE_TIMEOUT);
    this.#end(error);
  }

  #listen(socket: WebSocketLike): void {
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', (event) => this.#receive((event as { data: unknown }).data));
    socket.addEventListener('error', (event) => {
      this.#failure = (event as { error?: unknown }).error;
    });
    socket.addEventListener('close', (event) => {
      clearTimeout(this.#closeTimer);
      const { code, reason } = event as { code: number; reason: string };
      const what = this.#conf ? 'the connection ended' : 'could not connect';
      const cause = this.#failure === undefined ? {} : { cause: this.#failure };
      this.#end(new DisconnectedError(`${what} (close code ${code})`, { closeCode: code, reason, ...cause }));
    });
  }

  #receive(data: unknown): void {
    if (this.#isEnded) return;
    try {
      const message = decodeMessage(bytesOf(data), this.#conf?.messageBufferSize ?? MAX_ACCEPT_CONF_LENGTH);
      if (this.#conf) this.listener.received(message);
      else this.#accept(message);
    } catch (error) {
      this.fail(error as Error);
    }
  }

  /** @throws Error if the server is not the one that the client is made for (PROTOCOL.md, section 4). */
  #accept(message: ProtocolMessage): void {
    if (message.type !== MessageType.AcceptConf) {
      throw new ProtocolError('UNEXPECTED_MESSAGE', `first message is of type ${message.type}`, 0);
    }
    const { majorVersion, minorVersion, subProtocolName, readTimeout } = message;
    if (majorVersion !== PROTOCOL_MAJOR_VERSION) {
      const theirs = `${majorVersion}.${minorVersion}`;
      throw new IncompatibleProtocolVersionError(
        `the server speaks WebWire ${theirs}, this client ${PROTOCOL_MAJOR_VERSION}`,
      );
    }
    if (subProtocolName !== this.options.subProtocolName) {
      const theirs = JSON.stringify(subProtocolName.slice(0, 64));
      const ours = JSON.stringify(this.options.subProtocolName);
      throw new SubProtocolMismatchError(`the server speaks the sub-protocol ${theirs}, this client ${ours}`);
    }
    this.#conf = message;
    this.#lastSentAt = performance.now();
    clearTimeout(this.#timer);
    this.#beat(Math.min(Math.max(readTimeout * 0.75, MIN_HEARTBEAT_INTERVAL), MAX_TIMER));
    this.listener.accepted();
  }

  /**
   * Sends a heartbeat whenever nothing was sent for the interval (PROTOCOL.md, section 7). Messages cost the timer nothing:
   * it looks at the last of them when it is due.
   */
  #beat(interval: number): void {
    const silence = performance.now() - this.#lastSentAt;
    if (silence >= interval && this.isOpen) this.send(HEARTBEAT);
    const rest = silence >= interval ? interval : interval - silence;
    this.#timer = setTimeout(() => this.#beat(interval), rest);
  }

  #shut(code: number, reason: string): void {
    try {
      this.#socket?.close(code, reason);
    } catch {
      // There is nothing to close.
    }
  }

  #end(error: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.listener.ended(error);
  }
}

export function closedError(): DisconnectedError {
  return new DisconnectedError('the client is closed');
}

function bytesOf(data: unknown): Uint8Array {
  if (typeof data === 'string') throw new ProtocolError('TEXT_FRAME', 'text frame', 0);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data as ArrayBuffer);
}
