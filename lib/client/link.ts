import { encodeHeartbeat } from '../protocol/client-messages.js';
import {
  MIN_MESSAGE_BUFFER_SIZE,
  PROTOCOL_MAJOR_VERSION,
  ProtocolError,
  type AcceptConfMessage,
  type ServerMessage,
} from '../protocol/index.js';
import { decodeServerMessage } from '../protocol/server-messages.js';
import * as MessageType from '../protocol/type-bytes.js';
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
  received(message: ServerMessage): void;
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

/** One WebSocket, from dialing it to its end. */
export class Link {
  readonly #options: ResolvedClientOptions;
  readonly #listener: LinkListener;
  #socket: WebSocketLike | undefined;
  #conf: AcceptConfMessage | undefined;
  #isEnded = false;
  #lastSentAt = 0;
  /** Of dialing, then of heartbeats. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ResolvedClientOptions, listener: LinkListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return !this.#isEnded && !!this.#conf && this.#socket!.readyState === OPEN;
  }

  /** Bytes that were sent and still wait for the network. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Connects. May end at once. */
  dial(): void {
    let failure: unknown;
    const { url, dialTimeout, webSocket: WebSocket } = this.#options;
    try {
      this.#socket = new WebSocket(url);
    } catch (cause) {
      this.#end(new DisconnectedError('could not connect', undefined, '', { cause }));
      return;
    }
    const socket = this.#socket;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', (event) => this.#receive((event as { data: unknown }).data));
    socket.addEventListener('error', (event) => {
      failure = (event as { error?: unknown }).error;
    });
    socket.addEventListener('close', (event) => {
      const { code, reason } = event as { code: number; reason: string };
      clearTimeout(this.#closeTimer);
      const what = this.#conf ? 'disconnected' : 'could not connect';
      this.#end(new DisconnectedError(`${what} (${code})`, code, reason, { cause: failure }));
    });
    this.#timer = setTimeout(() => this.end(new DialTimeoutError()), dialTimeout);
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

  /**
   * Closes the connection; what was sent goes out first.
   * @param error Ends the link at once, and the socket closes unheard. Without it, `ended` waits for the server's answer.
   */
  end(error?: Error): void {
    if (this.#isEnded) return;
    const [code, reason] = error instanceof ProtocolError ? [OWN_CODES + error.closeCode, error.code] : [NORMAL, ''];
    this.#socket?.close(code, reason);
    this.#closeTimer ??= setTimeout(() => {
      this.#socket?.terminate?.();
      this.#end(closedError());
    }, CLOSE_TIMEOUT);
    if (error) this.#end(error);
  }

  #receive(data: unknown): void {
    if (this.#isEnded) return;
    try {
      if (typeof data === 'string') throw new ProtocolError('TEXT_FRAME', 'text frame', 0);
      const maxLength = this.#conf?.messageBufferSize ?? MAX_ACCEPT_CONF_LENGTH;
      const message = decodeServerMessage(new Uint8Array(data as ArrayBuffer), maxLength);
      if (this.#conf ? message.type === MessageType.AcceptConf : message.type !== MessageType.AcceptConf) {
        throw new ProtocolError('UNEXPECTED_MESSAGE', 'AcceptConf comes first, and once', 0);
      }
      if (message.type === MessageType.AcceptConf) this.#accept(message);
      else this.#listener.received(message);
    } catch (error) {
      this.end(error as Error);
    }
  }

  /** @throws Error if the server is not the one that the client is made for (PROTOCOL.md, section 4). */
  #accept(conf: AcceptConfMessage): void {
    const { majorVersion, minorVersion, subProtocolName, readTimeout, messageBufferSize } = conf;
    if (majorVersion !== PROTOCOL_MAJOR_VERSION) {
      throw new IncompatibleProtocolVersionError(`the server speaks WebWire ${majorVersion}.${minorVersion}`);
    }
    if (subProtocolName !== this.#options.subProtocolName) {
      throw new SubProtocolMismatchError(
        `the sub-protocol of the server is ${JSON.stringify(subProtocolName.slice(0, 64))}`,
      );
    }
    // Not even a heartbeat need fit a smaller one.
    if (messageBufferSize < MIN_MESSAGE_BUFFER_SIZE) {
      throw new ProtocolError('INVALID_FIELD', `a message buffer of ${messageBufferSize} bytes`, 7);
    }
    this.#conf = conf;
    this.#lastSentAt = performance.now();
    clearTimeout(this.#timer);
    this.#beat(Math.min(Math.max(readTimeout * 0.75, MIN_HEARTBEAT_INTERVAL), MAX_TIMER));
    this.#listener.accepted();
  }

  /**
   * Sends a heartbeat whenever nothing was sent for the interval (PROTOCOL.md, section 7). Messages cost the timer nothing:
   * it looks at the last of them when it is due.
   */
  #beat(interval: number): void {
    let rest = this.#lastSentAt + interval - performance.now();
    if (rest <= 0) {
      if (this.isOpen) this.send(encodeHeartbeat());
      rest = interval;
    }
    this.#timer = setTimeout(() => this.#beat(interval), rest);
  }

  #end(error: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#timer);
    this.#listener.ended(error);
  }
}

export function closedError(): DisconnectedError {
  return new DisconnectedError('the client is closed');
}
