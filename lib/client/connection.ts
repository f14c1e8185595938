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
import {
  BufferOverflowError,
  DialTimeoutError,
  DisconnectedError,
  IncompatibleProtocolVersionError,
  SubProtocolMismatchError,
} from './errors.js';
import { MAX_TIMER, type WebSocketLike } from './platform.js';

/** What a link tells whoever made it. */
export interface ClientConnectionListener {
  /** The server said its first message, and all is as it should be. */
  accepted(): void;
  /** A message after that. What it throws ends the link. */
  received(message: ServerMessage): void;
  /** The link is gone, or never came about. Called once, and nothing after it. */
  ended(error: Error): void;
}

const NOT_CONNECTED = 'could not connect';

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
export interface ClientConnection {
  /** Whether messages can be sent. */
  isOpen(): boolean;
  /** Bytes that were sent and still wait for the network. */
  bufferedAmount(): number;
  /** Connects. May end at once. */
  dial(): void;
  /**
   * Hands a message to the socket.
   * @throws BufferOverflowError if it does not fit the server's buffer; then nothing is sent.
   */
  send(message: Uint8Array): void;
  /**
   * Closes the connection; what was sent goes out first.
   * @param error Ends the link at once, and the socket closes unheard. Without it, `ended` waits for the server's answer.
   */
  readonly end: (error?: Error) => void;
}

export function openClientConnection(
  options: ResolvedClientOptions,
  listener: ClientConnectionListener,
): ClientConnection {
  let socket: WebSocketLike | undefined;
  let conf: AcceptConfMessage | undefined;
  let hasEnded = false;
  let lastSentAt = 0;
  /** Of dialing, then of heartbeats. */
  let timer: ReturnType<typeof setTimeout>;
  let closeTimer: ReturnType<typeof setTimeout> | undefined;

  const isOpen = () => !!conf && socket!.readyState === OPEN;

  const finish = (error: Error) => {
    if (hasEnded) return;
    hasEnded = true;
    clearTimeout(timer);
    listener.ended(error);
  };

  const send = (message: Uint8Array) => {
    const { messageBufferSize } = conf!;
    if (message.length > messageBufferSize) throw new BufferOverflowError(message.length, messageBufferSize);
    socket!.send(message as Uint8Array<ArrayBuffer>);
    lastSentAt = performance.now();
  };

  const end = (error?: Error) => {
    if (hasEnded) return;
    if (error instanceof ProtocolError) socket?.close(OWN_CODES + error.closeCode, error.code);
    else socket?.close(NORMAL);
    closeTimer ??= setTimeout(() => {
      socket?.terminate?.();
      finish(closedError());
    }, CLOSE_TIMEOUT);
    if (error) finish(error);
  };

  /**
   * Sends a heartbeat whenever nothing was sent for the interval (PROTOCOL.md, section 7). Messages cost the timer nothing:
   * it looks at the last of them when it is due.
   */
  const beat = (interval: number) => {
    let rest = lastSentAt + interval - performance.now();
    if (rest <= 0) {
      if (isOpen()) send(encodeHeartbeat());
      rest = interval;
    }
    timer = setTimeout(beat, rest, interval);
  };

  /** Throws if the server is not the one that the client is made for (PROTOCOL.md, section 4). */
  const accept = (message: AcceptConfMessage) => {
    const { majorVersion, subProtocolName, readTimeout, messageBufferSize } = message;
    if (majorVersion !== PROTOCOL_MAJOR_VERSION) {
      throw new IncompatibleProtocolVersionError(`the server speaks WebWire ${majorVersion}`);
    }
    if (subProtocolName !== options.subProtocolName) {
      throw new SubProtocolMismatchError(
        `the server speaks the sub-protocol ${JSON.stringify(subProtocolName.slice(0, 64))}`,
      );
    }
    // Not even a heartbeat need fit a smaller one.
    if (messageBufferSize < MIN_MESSAGE_BUFFER_SIZE) refuse('INVALID_FIELD', 7);
    conf = message;
    lastSentAt = performance.now();
    clearTimeout(timer);
    beat(Math.min(Math.max(readTimeout * 0.75, MIN_HEARTBEAT_INTERVAL), MAX_TIMER));
    listener.accepted();
  };

  const receive = (data: unknown) => {
    if (hasEnded) return;
    try {
      if (typeof data === 'string') refuse('TEXT_FRAME', 0);
      const maxLength = conf?.messageBufferSize ?? MAX_ACCEPT_CONF_LENGTH;
      const message = decodeServerMessage(new Uint8Array(data as ArrayBuffer), maxLength);
      const isConf = message.type === MessageType.AcceptConf;
      // It comes first, and once.
      if (isConf === !!conf) refuse('UNEXPECTED_MESSAGE', 0);
      if (isConf) accept(message);
      else listener.received(message);
    } catch (error) {
      end(error as Error);
    }
  };

  const dial = () => {
    let cause: unknown;
    try {
      socket = new options.webSocket(options.url);
    } catch (error) {
      return finish(new DisconnectedError(NOT_CONNECTED, undefined, '', { cause: error }));
    }
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', (event) => receive((event as { data: unknown }).data));
    socket.addEventListener('error', (event) => {
      cause = (event as { error?: unknown }).error;
    });
    socket.addEventListener('close', (event) => {
      const { code, reason } = event as { code: number; reason: string };
      clearTimeout(closeTimer);
      finish(new DisconnectedError(`${conf ? 'disconnected' : NOT_CONNECTED} (${code})`, code, reason, { cause }));
    });
    timer = setTimeout(() => end(new DialTimeoutError()), Math.min(options.dialTimeout, MAX_TIMER));
    return undefined;
  };

  return { isOpen, bufferedAmount: () => socket?.bufferedAmount ?? 0, dial, send, end };
}

export function closedError(): DisconnectedError {
  return new DisconnectedError('the client is closed');
}
