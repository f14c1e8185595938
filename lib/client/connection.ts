import { encodeClientSignal, encodeHeartbeat, encodeRequest, textPayload } from '../protocol/client-messages.js';
import {
  MIN_MESSAGE_BUFFER_SIZE,
  PROTOCOL_MAJOR_VERSION,
  ProtocolError,
  type AcceptConfMessage,
  type ServerMessage,
  type ReplyMessage,
  type SignalMessage,
} from '../protocol/index.js';
import {
  ASK_NAME,
  BUSY_NAME,
  CANCEL_PREFIX,
  FIRST_CREDIT,
  identifierToHex,
  MAX_STREAM_WINDOW,
  MESSAGE_OVERHEAD,
  PING_NAME,
  readExtensions,
  CREDIT_NAME,
  TRACE_NAME,
  TRACE_PREFIX,
  type ExtensionName,
} from '../protocol/extensions.js';
import { ID_END, ID_START } from '../protocol/layout.js';
import { TIMER_MAX } from '../protocol/limits.js';
import { EMPTY_PAYLOAD } from '../protocol/payload-codec.js';
import { isPromiseLike } from '../protocol/promise.js';
import { decodeServerMessage, throwProtocolError } from '../protocol/server-messages.js';
import { decodeUtf8 } from '../protocol/text.js';
import * as MessageType from '../protocol/type-bytes.js';
import type { ResolvedClientOptions } from './client-options.js';
import {
  connectionEnded,
  couldNotConnect,
  dialTimeout,
  notPrepared,
  notWebwire,
  unresponsive,
} from './connection-errors.js';
import {
  BufferOverflowError,
  DisconnectedError,
  IncompatibleProtocolVersionError,
  SubProtocolMismatchError,
} from './errors.js';
import { invalidOption } from './option-rules.js';
import { globals } from './platform.js';
import type { Address } from './target.js';
import type { ServerUrl } from './url.js';
import { VERSION } from './version.js';
import { ABNORMAL_CLOSURE, ClientSocket, type SocketEnd } from './web-socket.js';

/** Receives the events of a `ClientConnection`. */
export interface ClientConnectionListener {
  /** The server's first message was received, and this client supports the server. */
  accepted(): void;
  /** Messages can be sent again that had to wait. */
  ready(): void;
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

/**
 * After messages of so many message buffers without replies, but at least 40, the client asks for extensions, before the server
 * may stop reading: it stops when 64 messages wait, or 16 of the largest size.
 */
const UNASKED_BUFFERS = 10;
const MAX_UNASKED_BUFFER = (40 * MESSAGE_OVERHEAD) / UNASKED_BUFFERS;

/** A server that is busy repeats its signal within this time, in milliseconds. */
const BUSY_TIME = 20_000;

/** The extensions that the client asks for. */
const WANTED: readonly ExtensionName[] = ['stream', 'cancel', 'ping', 'trace', 'flow'];

/** Phases of a connection, in this order. An attempt that fails goes from any phase to `ended`. */
type Phase =
  /** The functions of the application are asked for URL and headers. */
  | 'asking'
  /** The WebSocket is connecting. */
  | 'dialing'
  /** The WebSocket is open, and the server's first message is awaited. */
  | 'opened'
  /** Messages can be sent. */
  | 'accepted'
  /** Later events of the WebSocket are ignored. */
  | 'ended';

/** The event that did not come within the dial timeout, by phase. */
const MISSING: Partial<Readonly<Record<Phase, string>>> = {
  asking: 'the options url and headers have not returned',
  dialing: 'nothing answers there',
  opened: 'the server sent no first message',
};

/** One WebSocket connection to a server. */
export class ClientConnection {
  readonly #options: ResolvedClientOptions;
  readonly #listener: ClientConnectionListener;
  readonly #dialedAt = performance.now();
  #phase: Phase = 'asking';
  /** URL of this connection; until it is known, that of the last one. */
  #url: ServerUrl;
  #isClosing = false;
  #socket: ClientSocket | undefined;
  /** The server's first message, which has its settings. */
  #conf: AcceptConfMessage | undefined;
  #lastSentAt = 0;
  /** Bytes that may be sent until the server allows more, or the client asks for extensions. */
  #credit = Infinity;
  /** The extensions of the server; `undefined` until the client asks, and `WANTED` until the server has answered. */
  #extensions: readonly unknown[] | undefined;
  #onClosed = (): void => {};
  /** Resolves when the WebSocket is closed. */
  readonly closed = new Promise<void>((resolve) => {
    this.#onClosed = resolve;
  });
  /** Number of items of a stream that the server sends without a grant. */
  streamWindow = 0;
  /** The server shuts down, so messages of the application wait for the next connection. */
  isLeft = false;
  /** The server is checked at this time, unless a message is received before. */
  #checkAt = 0;
  /** Number of checks since the server was probed; 0 if it was not. */
  #checks = 0;
  #heartbeatInterval = 0;
  /** The dial timeout; after the first message, heartbeats and checks of the server. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: ResolvedClientOptions, listener: ClientConnectionListener) {
    this.#options = options;
    this.#listener = listener;
    this.#url = options.target.url;
  }

  /** `true` if messages can be sent. */
  get isOpen(): boolean {
    return this.#phase === 'accepted' && this.#socket!.isOpen;
  }

  /**
   * `true` if messages of the application should wait, because the server might not read them, nor a cancellation after them, or
   * because it shuts down.
   */
  get isBlocked(): boolean {
    return this.isLeft || this.#credit <= 0;
  }

  /** Number of bytes that were passed to the WebSocket and not yet sent. */
  get bufferedAmount(): number {
    return this.#socket?.bufferedAmount ?? 0;
  }

  /** Connects. If it fails at once, the listener is called within this call. */
  dial(): void {
    const { target, dialTimeout: timeout } = this.#options;
    const giveUp = () => this.end(dialTimeout(this.#url, this.#elapsed, MISSING[this.#phase]!));
    this.#timer = setTimeout(giveUp, Math.min(timeout, TIMER_MAX));
    const fail = (error: unknown) => this.#finish(this.unprepared(error));
    try {
      const address = target.ask();
      if (isPromiseLike(address)) address.then((answer) => this.#open(answer)).catch(fail);
      else this.#open(address);
    } catch (error) {
      fail(error);
    }
  }

  /** The error for an attempt that failed because of a function of the application. */
  unprepared(error: unknown): Error {
    return notPrepared(this.#url, this.#elapsed, error);
  }

  #open(address: Address): void {
    // The dial timeout may be over, or the client closed.
    if (this.#phase !== 'asking') return;
    const { webSocket = globals.WebSocket } = this.#options;
    if (!webSocket) {
      return this.#finish(invalidOption('webSocket', webSocket, 'a constructor: pass WebSocket of the package ws'));
    }
    this.#phase = 'dialing';
    this.#url = address.url;
    this.#options.target.use(address.url);
    try {
      this.#socket = new ClientSocket(webSocket, address, {
        opened: () => {
          if (this.#phase === 'dialing') this.#phase = 'opened';
        },
        received: (message) => this.#receive(message),
        closed: (end) => this.#closed(end),
      });
    } catch (cause) {
      this.#closed({ code: ABNORMAL_CLOSURE, reason: '', cause });
    }
  }

  /**
   * Hands a message to the socket.
   * @param trace Its trace context. It is sent first if the server has said that it takes one.
   * @throws BufferOverflowError if the message is larger than the server's message buffer; then nothing is sent.
   */
  send(message: Uint8Array<ArrayBuffer>, trace?: string): void {
    const { messageBufferSize } = this.#conf!;
    if (message.length > messageBufferSize) throw new BufferOverflowError(message.length, messageBufferSize);
    if (trace && this.#extensions !== WANTED && this.supports('trace')) {
      const name = message[0]! < MessageType.RequestBinary ? TRACE_NAME : TRACE_PREFIX + identifierOf(message);
      const context = encodeClientSignal(name, textPayload(trace));
      if (context.length <= messageBufferSize) this.#socket!.send(context);
    }
    this.sendOwn(message);
    this.#credit -= message.length + MESSAGE_OVERHEAD;
    if (this.#credit <= 0) this.ask();
  }

  /** Sends a message of the protocol, which does not have to wait. */
  sendOwn(message: Uint8Array<ArrayBuffer>): void {
    this.#socket!.send(message);
    this.#lastSentAt = performance.now();
  }

  /** Asks the server for its extensions, once (docs/PROTOCOL.md, section 11.1). */
  ask(): void {
    if (this.#extensions || !this.isOpen) return;
    const question = JSON.stringify({ client: `nestjs-webwire/${VERSION}`, extensions: WANTED });
    const message = encodeRequest(ASK_NAME, textPayload(question));
    const isPossible = this.#options.extensions && message.length <= this.#conf!.messageBufferSize;
    this.#extensions = isPossible ? WANTED : [];
    this.#credit = isPossible ? FIRST_CREDIT : Infinity;
    if (isPossible) this.sendOwn(message);
  }

  /** Returns `true` if the server has an extension, or may have it as it has not answered yet. */
  supports(name: ExtensionName): boolean {
    return !!this.#extensions?.includes(name);
  }

  /** Tells the server that the result of a request is not needed. */
  cancel(request: Uint8Array): void {
    // Session requests have other types.
    if (request[0]! < MessageType.RequestBinary) return;
    this.ask();
    if (!this.isOpen || !this.supports('cancel')) return;
    this.sendOwn(encodeClientSignal(CANCEL_PREFIX + identifierOf(request), EMPTY_PAYLOAD));
  }

  /** Checks at once whether the server still responds. */
  readonly probe = (): void => {
    if (this.#phase !== 'accepted' || this.#checks > 0 || this.#options.livenessTimeout === Infinity) return;
    this.#checkAt = 0;
    clearTimeout(this.#timer);
    this.#tick();
  };

  /**
   * Closes the connection after the messages that were sent.
   * @param error With an error, `ended` is called with it at once. Without one, `ended` is called after the server has closed
   *   the connection, too.
   */
  end(error?: Error): void {
    if (this.#phase === 'ended') return;
    this.#isClosing = true;
    if (!this.#socket) return this.#finish(error ?? closedError());
    // The timer is started first, because some WebSockets dispatch `close` within the call of `close()`.
    this.#closeTimer ??= setTimeout(() => {
      this.#socket!.terminate();
      this.#finish(closedError());
      this.#onClosed();
    }, CLOSE_FRAME_TIMEOUT);
    if (error instanceof ProtocolError) this.#socket.close(CLOSE_CODE_OFFSET + error.closeCode, error.code);
    else this.#socket.close(NORMAL_CLOSURE);
    if (error) this.#finish(error);
  }

  /** Time since the attempt to connect, in milliseconds. */
  get #elapsed(): number {
    return performance.now() - this.#dialedAt;
  }

  #closed(end: SocketEnd): void {
    clearTimeout(this.#closeTimer);
    const error =
      this.#phase === 'accepted'
        ? connectionEnded(this.#url, this.#elapsed, end, this.#isClosing)
        : couldNotConnect(this.#url, this.#elapsed, end, this.#phase === 'opened');
    this.#finish(error);
    this.#onClosed();
  }

  #finish(error: Error): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    clearTimeout(this.#timer);
    if (!this.#socket) this.#onClosed();
    this.#listener.ended(error);
  }

  #receive(data: Uint8Array<ArrayBuffer> | string): void {
    if (this.#phase === 'ended') return;
    try {
      if (this.#conf) this.#take(this.#decode(data, this.#conf.messageBufferSize));
      else this.#accept(this.#decodeFirst(data));
    } catch (error) {
      this.end(error as Error);
    }
  }

  /** Passes a message on, unless it belongs to extensions of the connection. */
  #take(message: ServerMessage): void {
    this.#checks = 0;
    const { name, payload, id } = message as Partial<Omit<SignalMessage, 'type'> & Pick<ReplyMessage, 'id'>>;
    this.#expectWithin(name === BUSY_NAME ? BUSY_TIME : 0);
    if (name === CREDIT_NAME) this.grant(Number(decodeUtf8(payload!)));
    // A request that has its reply does not wait any more.
    if (id && !this.#extensions) this.grant(MESSAGE_OVERHEAD);
    // The requests of this class have the identifier 0. There are none if the server has no extensions.
    if (!id || id.some(Boolean) || !this.#extensions?.length) this.#listener.received(message);
    else if (this.#extensions === WANTED) this.#readAnswer(message);
  }

  #readAnswer(message: ServerMessage): void {
    const answer = message.type === MessageType.ReplyUtf8 ? readExtensions(decodeUtf8(message.payload)) : undefined;
    this.streamWindow = Math.min(Number(answer?.streamWindow) || 0, MAX_STREAM_WINDOW);
    this.#extensions = answer?.extensions ?? [];
    this.grant(this.supports('flow') ? Number(answer!.credit) : Infinity);
  }

  /** More messages may be sent, of this size in bytes. */
  grant(size: number): void {
    this.#credit += size;
    this.#listener.ready();
  }

  #expectWithin(atLeast: number): void {
    this.#checkAt = performance.now() + Math.max(this.#options.livenessTimeout, atLeast);
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
      throw notWebwire(this.#url, error as ProtocolError, data);
    }
  }

  /**
   * Checks the server's first message (docs/PROTOCOL.md, section 4).
   * @throws IncompatibleProtocolVersionError, SubProtocolMismatchError, ProtocolError
   */
  #accept(message: AcceptConfMessage): void {
    const { majorVersion, subProtocolName, readTimeout, messageBufferSize } = message;
    const { subProtocolName: expected } = this.#options;
    if (majorVersion !== PROTOCOL_MAJOR_VERSION) {
      throw new IncompatibleProtocolVersionError(
        `the server at ${this.#url.shown} speaks WebWire ${majorVersion}, this client ${PROTOCOL_MAJOR_VERSION}`,
      );
    }
    if (subProtocolName !== expected) {
      throw new SubProtocolMismatchError(
        `the server at ${this.#url.shown} speaks the sub-protocol ${JSON.stringify(subProtocolName.slice(0, 64))}, ` +
          `but the option subProtocolName is ${JSON.stringify(expected)}`,
      );
    }
    // The protocol requires at least this size.
    if (messageBufferSize < MIN_MESSAGE_BUFFER_SIZE) throwProtocolError('INVALID_FIELD', 7);
    this.#conf = message;
    this.#phase = 'accepted';
    this.#lastSentAt = performance.now();
    clearTimeout(this.#timer);
    this.#heartbeatInterval = Math.min(Math.max(readTimeout * HEARTBEAT_FRACTION, MIN_HEARTBEAT_INTERVAL), TIMER_MAX);
    this.#expectWithin(0);
    this.#tick();
    this.#credit = UNASKED_BUFFERS * Math.min(messageBufferSize, MAX_UNASKED_BUFFER);
    if (this.#options.trace) this.ask();
    this.#listener.accepted();
  }

  /**
   * Sends a heartbeat when no message was sent for the interval (docs/PROTOCOL.md, section 7), and checks the server when no
   * message was received for `livenessTimeout`. A message does not restart the timer, which would cost time; when the timer
   * fires, it checks the times of the last messages.
   */
  readonly #tick = (): void => {
    if (this.#lastSentAt + this.#heartbeatInterval <= performance.now() && this.isOpen) this.sendOwn(encodeHeartbeat());
    if (this.#checkAt <= performance.now()) this.#check();
    if (this.#phase !== 'accepted') return;
    const dueAt = Math.min(this.#lastSentAt + this.#heartbeatInterval, this.#checkAt);
    this.#timer = setTimeout(this.#tick, Math.min(dueAt - performance.now(), TIMER_MAX));
  };

  /**
   * Probes the server, and ends the connection if nothing has arrived after two more checks. If this program was blocked for a
   * while, what has arrived meanwhile is received before the second one.
   */
  #check(): void {
    this.#checkAt = performance.now() + this.#options.dialTimeout / 2;
    // The question is a probe, too. It has the same identifier, so nothing else is sent with it until it is answered.
    if (this.#checks === 0 && this.#extensions !== WANTED && this.supports('ping') && this.isOpen)
      this.sendOwn(encodeRequest(PING_NAME, EMPTY_PAYLOAD));
    this.ask();
    if (!this.supports('ping') || this.#isClosing) this.#checkAt = Infinity;
    else if (++this.#checks > 2) this.end(unresponsive(this.#url, this.#elapsed));
  }
}

/** The identifier of an encoded request, for the names of signals. */
export function identifierOf(request: Uint8Array): string {
  return identifierToHex(request.subarray(ID_START, ID_END));
}

export function closedError(): DisconnectedError {
  return new DisconnectedError('the client is closed');
}
