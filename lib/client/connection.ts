import { encodeHeartbeat } from '../protocol/client-messages.js';
import {
  MIN_MESSAGE_BUFFER_SIZE,
  PROTOCOL_MAJOR_VERSION,
  ProtocolError,
  type AcceptConfMessage,
  type ServerMessage,
} from '../protocol/index.js';
import { TIMER_MAX } from '../protocol/limits.js';
import { decodeServerMessage, throwProtocolError } from '../protocol/server-messages.js';
import * as MessageType from '../protocol/type-bytes.js';
import type { ResolvedClientOptions } from './client-options.js';
import { connectionEnded, couldNotConnect, dialTimeout, notWebwire } from './connection-errors.js';
import {
  BufferOverflowError,
  DisconnectedError,
  IncompatibleProtocolVersionError,
  SubProtocolMismatchError,
} from './errors.js';
import { ABNORMAL_CLOSURE, ClientSocket, type SocketEnd } from './web-socket.js';

/** Receives the events of a `ClientConnection`. */
export interface ClientConnectionListener {
  /** The server's first message was received, and this client supports the server. */
  accepted(): void;
  /** Called for each later message. An error of this method ends the connection. */
  received(message: ServerMessage): void;
  /** The connection has ended or could not be made. Called exactly once, as the last method. */
  ended(error: Error): void;
}

const NORMAL_CLOSURE = 1000;

/** Browsers allow only 1000 and 3000 to 4999, so 4002 means 1002, and so on (docs/PROTOCOL.md, section 9). */
const CLOSE_CODE_OFFSET = 3000;

/** Longest first message, in bytes. This message announces the limit for the later ones. */
const MAX_ACCEPT_CONF_LENGTH = 65_536;

/** Timeout for the server's close frame, in milliseconds. Then the connection is terminated, if the platform supports it. */
const CLOSE_FRAME_TIMEOUT = 2_000;

/** Shortest interval between heartbeats, in milliseconds. */
const MIN_HEARTBEAT_INTERVAL = 10;

/**
 * A heartbeat is sent after half of the server's read timeout without another message. In a background tab, browsers run timers
 * only once a minute; the server's pings keep such a connection open.
 */
const HEARTBEAT_FRACTION = 1 / 2;

/** Phases of a connection, in this order. An attempt that fails goes from any phase to `ended`. */
type Phase =
  /** The WebSocket is connecting. */
  | 'dialing'
  /** The WebSocket is open, and the server's first message is awaited. */
  | 'opened'
  /** Messages can be sent. */
  | 'accepted'
  /** Later events of the WebSocket are ignored. */
  | 'ended';

/** One WebSocket connection to a server. */
export class ClientConnection {
  readonly #options: ResolvedClientOptions;
  readonly #listener: ClientConnectionListener;
  readonly #dialedAt = performance.now();
  #phase: Phase = 'dialing';
  #isClosing = false;
  #socket: ClientSocket | undefined;
  /** The server's first message, which has its settings. */
  #conf: AcceptConfMessage | undefined;
  #lastSentAt = 0;
  /** The dial timeout; after the first message, the heartbeats. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ResolvedClientOptions, listener: ClientConnectionListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** `true` if messages can be sent. */
  get isOpen(): boolean {
    return this.#phase === 'accepted' && this.#socket!.isOpen;
  }

  /** Number of bytes that were passed to the WebSocket and not yet sent. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Connects. If it fails at once, the listener is called within this call. */
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
      this.#closed({ code: ABNORMAL_CLOSURE, reason: '', cause, rejection: undefined });
      return;
    }
    this.#timer = setTimeout(() => this.#giveUp(), Math.min(this.#options.dialTimeout, TIMER_MAX));
  }

  /**
   * Hands a message to the socket.
   * @throws BufferOverflowError if it is larger than the server's message buffer; then nothing is sent.
   */
  send(message: Uint8Array<ArrayBuffer>): void {
    const { messageBufferSize } = this.#conf!;
    if (message.length > messageBufferSize) throw new BufferOverflowError(message.length, messageBufferSize);
    this.#socket!.send(message);
    this.#lastSentAt = performance.now();
  }

  /**
   * Closes the connection after the messages that were sent.
   * @param error With an error, `ended` is called with it at once. Without one, `ended` is called after the server has closed
   *   the connection, too.
   */
  end(error?: Error): void {
    if (this.#phase === 'ended') return;
    this.#isClosing = true;
    if (error) this.#stop();
    // The timer is started first, because some WebSockets dispatch `close` within the call of `close()`.
    this.#closeTimer ??= setTimeout(() => this.#terminate(), CLOSE_FRAME_TIMEOUT);
    if (error instanceof ProtocolError) this.#socket?.close(CLOSE_CODE_OFFSET + error.closeCode, error.code);
    else this.#socket?.close(NORMAL_CLOSURE);
    if (error) this.#listener.ended(error);
  }

  #terminate(): void {
    this.#socket?.terminate();
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
    if (typeof data === 'string') throwProtocolError('TEXT_FRAME', 0);
    const message = decodeServerMessage(data, maxLength);
    // AcceptConf must be the first message, and no other message.
    if ((message.type === MessageType.AcceptConf) === !!this.#conf) throwProtocolError('UNEXPECTED_MESSAGE', 0);
    return message;
  }

  #decodeFirst(data: Uint8Array<ArrayBuffer> | string): AcceptConfMessage {
    try {
      return this.#decode(data, MAX_ACCEPT_CONF_LENGTH) as AcceptConfMessage;
    } catch (error) {
      throw notWebwire(this.#options.url, error as ProtocolError, data);
    }
  }

  /**
   * Checks the server's first message (docs/PROTOCOL.md, section 4).
   * @throws IncompatibleProtocolVersionError, SubProtocolMismatchError, ProtocolError
   */
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
    // The protocol requires at least this size.
    if (messageBufferSize < MIN_MESSAGE_BUFFER_SIZE) throwProtocolError('INVALID_FIELD', 7);
    this.#conf = message;
    this.#phase = 'accepted';
    this.#lastSentAt = performance.now();
    clearTimeout(this.#timer);
    this.#scheduleHeartbeat(Math.min(Math.max(readTimeout * HEARTBEAT_FRACTION, MIN_HEARTBEAT_INTERVAL), TIMER_MAX));
    this.#listener.accepted();
  }

  /**
   * Sends a heartbeat when no message was sent for the interval (docs/PROTOCOL.md, section 7). A message does not restart the
   * timer, which would cost time; when the timer fires, it checks the time of the last message.
   */
  #scheduleHeartbeat(interval: number): void {
    let remaining = this.#lastSentAt + interval - performance.now();
    if (remaining <= 0) {
      if (this.isOpen) this.send(encodeHeartbeat());
      remaining = interval;
    }
    this.#timer = setTimeout(() => this.#scheduleHeartbeat(interval), remaining);
  }
}

export function closedError(): DisconnectedError {
  return new DisconnectedError('the client is closed');
}
