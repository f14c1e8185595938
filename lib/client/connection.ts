import { encodeHeartbeat } from '../protocol/client-messages.js';
import {
  MIN_MESSAGE_BUFFER_SIZE,
  PROTOCOL_MAJOR_VERSION,
  ProtocolError,
  type AcceptConfMessage,
  type ServerMessage,
} from '../protocol/index.js';
import { decodeServerMessage, refuse } from '../protocol/server-messages.js';
import * as MessageType from '../protocol/type-bytes.js';
import type { ResolvedClientOptions } from './client-options.js';
import { connectionEnded, couldNotConnect, dialTimeout, notWebwire } from './connection-errors.js';
import {
  BufferOverflowError,
  DisconnectedError,
  IncompatibleProtocolVersionError,
  SubProtocolMismatchError,
} from './errors.js';
import { MAX_TIMER } from './platform.js';
import { ClientSocket, type SocketEnd } from './web-socket.js';

/** Receives the events of a `ClientConnection`. */
export interface ClientConnectionListener {
  /** The server's first message arrived, and the server is the right one. */
  accepted(): void;
  /** A message after that. An error that it throws ends the connection. */
  received(message: ServerMessage): void;
  /** The connection is gone, or never came about. Called once, and nothing after it. */
  ended(error: Error): void;
}

const NORMAL = 1000;
const ABNORMAL = 1006;

/** Clients may close with 1000 and with codes of their own: 4002 stands for 1002, and so on (PROTOCOL.md, section 9). */
const OWN_CODES = 3000;

/** The longest first message, in bytes: until then the limit of the server is unknown. */
const MAX_ACCEPT_CONF_LENGTH = 65_536;

/** How long a server may take to answer a close frame, in milliseconds, before the connection is cut where that is possible. */
const CLOSE_TIMEOUT = 2_000;

/** Heartbeats come at no shorter intervals, in milliseconds, however short the server's read timeout is. */
const MIN_HEARTBEAT_INTERVAL = 10;

/**
 * Heartbeats come after this part of the server's read timeout without a message. Pages in the background run timers once a
 * minute, which is all that is left of the default of 60 s.
 */
const HEARTBEAT_PART = 1 / 2;

/**
 * Progress of a connection: the WebSocket is being opened; it is open, and the server's first message is awaited; messages can
 * be sent; it is over, and whatever the WebSocket still reports is ignored.
 */
type Phase = 'dialing' | 'opened' | 'accepted' | 'ended';

/** One WebSocket connection, from dialing to its end. */
export class ClientConnection {
  readonly #options: ResolvedClientOptions;
  readonly #listener: ClientConnectionListener;
  readonly #dialedAt = performance.now();
  #phase: Phase = 'dialing';
  #isClosing = false;
  #socket: ClientSocket | undefined;
  /** The server's first message. */
  #conf: AcceptConfMessage | undefined;
  #lastSentAt = 0;
  /** Ends dialing that takes too long; later sends heartbeats. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ResolvedClientOptions, listener: ClientConnectionListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** Whether messages can be sent. */
  get isOpen(): boolean {
    return this.#phase === 'accepted' && this.#socket!.isOpen;
  }

  /** Bytes that were sent and still wait for the network. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Connects. May end within the call. */
  dial(): void {
    const { webSocket, url } = this.#options;
    try {
      this.#socket = new ClientSocket(webSocket, url.href, {
        opened: () => {
          if (this.#phase === 'dialing') this.#phase = 'opened';
        },
        received: (message) => this.#receive(message),
        closed: (end) => this.#closed(end),
      });
    } catch (cause) {
      this.#closed({ code: ABNORMAL, reason: '', cause, refusal: undefined });
      return;
    }
    this.#timer = setTimeout(() => this.#giveUp(), Math.min(this.#options.dialTimeout, MAX_TIMER));
  }

  /**
   * Hands a message to the socket.
   * @throws BufferOverflowError if it does not fit the server's buffer; then nothing is sent.
   */
  send(message: Uint8Array<ArrayBuffer>): void {
    const { messageBufferSize } = this.#conf!;
    if (message.length > messageBufferSize) throw new BufferOverflowError(message.length, messageBufferSize);
    this.#socket!.send(message);
    this.#lastSentAt = performance.now();
  }

  /**
   * Closes the connection. What was sent goes out first.
   * @param error Ends the connection at once: `ended` is called with it. Without an error, `ended` is called when the server
   *   has closed, too.
   */
  end(error?: Error): void {
    if (this.#phase === 'ended') return;
    this.#isClosing = true;
    if (error) this.#stop();
    // Started first: some WebSockets dispatch `close` within the call.
    this.#closeTimer ??= setTimeout(() => this.#cut(), CLOSE_TIMEOUT);
    if (error instanceof ProtocolError) this.#socket?.close(OWN_CODES + error.closeCode, error.code);
    else this.#socket?.close(NORMAL);
    if (error) this.#listener.ended(error);
  }

  #cut(): void {
    this.#socket?.cut();
    this.#finish(closedError());
  }

  #giveUp(): void {
    const elapsed = performance.now() - this.#dialedAt;
    this.end(dialTimeout(this.#options.url, elapsed, this.#phase === 'opened'));
  }

  #closed(end: SocketEnd): void {
    clearTimeout(this.#closeTimer);
    const { url } = this.#options;
    const elapsed = performance.now() - this.#dialedAt;
    const error =
      this.#phase === 'accepted'
        ? connectionEnded(url, elapsed, end, this.#isClosing)
        : couldNotConnect(url, elapsed, end, this.#phase === 'opened');
    this.#finish(error);
  }

  #finish(error: Error): void {
    if (this.#phase === 'ended') return;
    this.#stop();
    this.#listener.ended(error);
  }

  #stop(): void {
    this.#phase = 'ended';
    clearTimeout(this.#timer);
  }

  #receive(data: Uint8Array<ArrayBuffer> | string): void {
    if (this.#phase === 'ended') return;
    try {
      if (this.#conf) this.#listener.received(this.#decode(data, this.#conf.messageBufferSize));
      else this.#accept(this.#decodeFirst(data));
    } catch (error) {
      this.end(error as Error);
    }
  }

  #decode(data: Uint8Array<ArrayBuffer> | string, maxLength: number): ServerMessage {
    if (typeof data === 'string') refuse('TEXT_FRAME', 0);
    const message = decodeServerMessage(data, maxLength);
    // It comes first, and once.
    if ((message.type === MessageType.AcceptConf) === !!this.#conf) refuse('UNEXPECTED_MESSAGE', 0);
    return message;
  }

  #decodeFirst(data: Uint8Array<ArrayBuffer> | string): AcceptConfMessage {
    try {
      return this.#decode(data, MAX_ACCEPT_CONF_LENGTH) as AcceptConfMessage;
    } catch (error) {
      throw notWebwire(this.#options.url, error as ProtocolError, data);
    }
  }

  /** Throws if the server is not the one that the client is made for (PROTOCOL.md, section 4). */
  #accept(message: AcceptConfMessage): void {
    const { majorVersion, subProtocolName, readTimeout, messageBufferSize } = message;
    const { url, subProtocolName: expected } = this.#options;
    if (majorVersion !== PROTOCOL_MAJOR_VERSION) {
      throw new IncompatibleProtocolVersionError(
        `the server at ${url.shown} speaks WebWire ${majorVersion}, this client ${PROTOCOL_MAJOR_VERSION}`,
      );
    }
    if (subProtocolName !== expected) {
      throw new SubProtocolMismatchError(
        `the server at ${url.shown} speaks the sub-protocol ${JSON.stringify(subProtocolName.slice(0, 64))}, ` +
          `but the option subProtocolName is ${JSON.stringify(expected)}`,
      );
    }
    // Not even a heartbeat need fit a smaller one.
    if (messageBufferSize < MIN_MESSAGE_BUFFER_SIZE) refuse('INVALID_FIELD', 7);
    this.#conf = message;
    this.#phase = 'accepted';
    this.#lastSentAt = performance.now();
    clearTimeout(this.#timer);
    this.#beat(Math.min(Math.max(readTimeout * HEARTBEAT_PART, MIN_HEARTBEAT_INTERVAL), MAX_TIMER));
    this.#listener.accepted();
  }

  /**
   * Sends a heartbeat whenever nothing was sent for the interval (PROTOCOL.md, section 7). Messages do not restart the timer:
   * when it is due, it looks at the time of the last message.
   */
  #beat(interval: number): void {
    let rest = this.#lastSentAt + interval - performance.now();
    if (rest <= 0) {
      if (this.isOpen) this.send(encodeHeartbeat());
      rest = interval;
    }
    this.#timer = setTimeout(() => this.#beat(interval), rest);
  }
}

export function closedError(): DisconnectedError {
  return new DisconnectedError('the client is closed');
}
