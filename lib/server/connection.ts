import { randomUUID } from 'node:crypto';
import {
  decodeMessage,
  encodeMessage,
  encodingOf,
  MessageType,
  Payload,
  ProtocolError,
  replyType,
  signalType,
  type ProtocolMessage,
  type RequestMessage,
  type SignalMessage,
} from '../protocol/index.js';
import type { Carrier, ConnectionRequest } from './carrier.js';
import type { DisconnectReason } from './disconnect-reason.js';
import { BufferOverflowError, RequestError } from './errors.js';
import { stackOf } from './logger.js';
import { Message } from './message.js';
import { toPayload } from './payload-codec.js';
import type { ConnectionHost } from './connection-host.js';

/** Closing bytes of a WebSocket (RFC 6455, section 7.4.1), and why the server sends them. */
interface Ending {
  readonly code: number;
  readonly text: string;
  readonly reason: DisconnectReason;
}

/** One client, connected. */
export class WebwireConnection {
  /** Unique among the connections of all servers. */
  readonly id: string = randomUUID();
  /** When the connection opened. */
  readonly createdAt: Date = new Date();
  /** Values of the application's own that belong to this connection; never sent anywhere. */
  readonly info: Record<string, unknown> = {};

  readonly #carrier: Carrier;
  readonly #host: ConnectionHost;
  #running = 0;
  #ending: Ending | undefined;
  #isClosed = false;
  #aborting: AbortController | undefined;

  /** Made by the server when a client connects. */
  constructor(
    host: ConnectionHost,
    carrier: Carrier,
    /** The upgrade request that opened the connection: its `url` and `headers`. */
    readonly request: ConnectionRequest,
  ) {
    this.#host = host;
    this.#carrier = carrier;
  }

  /** IP address of the peer; that of the proxy, if there is one. `undefined` if the transport knows none. */
  get remoteAddress(): string | undefined {
    return this.#carrier.remoteAddress;
  }

  /** Whether messages are received: `false` once the connection is closing or closed. */
  get isActive(): boolean {
    return !this.#isClosed && this.#ending === undefined;
  }

  /**
   * Sends a signal to this client (PROTOCOL.md, section 5). Signals and replies leave in the order in which
   * they were given; a signal that a handler sends precedes that handler's reply.
   *
   * @param name At most 255 printable ASCII characters; may be empty if there is a body.
   * @param body A string is sent as UTF-8, a `Uint8Array` as binary, a `Payload` as it is, `undefined` and
   *   `null` as nothing, any other value as JSON in UTF-8.
   * @returns `false` if the connection is gone, and the signal with it.
   * @throws BufferOverflowError if the message is larger than `messageBufferSize`.
   * @throws ProtocolError if the protocol forbids it: a bad name, or neither name nor body.
   */
  signal(name: string, body?: unknown): boolean {
    const payload = toPayload(body);
    const bytes = encodeMessage({ type: signalType(payload.encoding), name, payload: payload.bytes });
    if (bytes.length > this.#host.messageBufferSize) {
      throw new BufferOverflowError(bytes.length, this.#host.messageBufferSize);
    }
    if (this.#isClosed) return false;
    this.#carrier.send(bytes);
    return true;
  }

  /** Announces the server to the client (PROTOCOL.md, section 4). @internal */
  open(acceptConf: Uint8Array): void {
    this.#carrier.send(acceptConf);
  }

  /** @internal */
  receive(bytes: Uint8Array): void {
    if (!this.isActive) return;
    let message: ProtocolMessage;
    try {
      message = decodeMessage(bytes, this.#host.messageBufferSize);
    } catch (error) {
      this.violate(error as ProtocolError);
      return;
    }
    switch (message.type) {
      case MessageType.RequestBinary:
      case MessageType.RequestUtf8:
      case MessageType.RequestUtf16:
        this.#handleRequest(message);
        return;
      case MessageType.SignalBinary:
      case MessageType.SignalUtf8:
      case MessageType.SignalUtf16:
        this.#handleSignal(message);
        return;
      case MessageType.RequestRestoreSession:
      case MessageType.RequestCloseSession:
        this.#answer(this.#host.isDraining ? MessageType.ReplyShutdown : MessageType.ReplySessionsDisabled, message.id);
        return;
      case MessageType.Heartbeat:
        return;
      case MessageType.ReplyError:
      case MessageType.ReplyShutdown:
      case MessageType.ReplyInternalError:
      case MessageType.ReplySessionNotFound:
      case MessageType.ReplyMaxSessionConnectionsReached:
      case MessageType.ReplySessionsDisabled:
      case MessageType.SessionCreated:
      case MessageType.SessionClosed:
      case MessageType.AcceptConf:
      case MessageType.ReplyBinary:
      case MessageType.ReplyUtf8:
      case MessageType.ReplyUtf16:
        // Well-formed, but only a server sends it: no violation (PROTOCOL.md, section 9).
        this.#host.logger.debug(`Connection ${this.id} sent a message of type ${message.type}, which was dropped`);
        return;
      default:
        message satisfies never;
    }
  }

  /** @internal */
  violate(error: ProtocolError): void {
    if (!this.isActive) return;
    this.#host.logger.warn(
      `Connection ${this.id} (${this.remoteAddress}) broke the protocol and is closed: ${error.message} (${error.code})`,
    );
    this.end({ code: error.closeCode, text: error.code, reason: 'violation' });
  }

  /** Takes no more work, lets running handlers finish and reply, then closes the carrier. @internal */
  end(ending: Ending): void {
    if (!this.isActive) return;
    this.#ending = ending;
    this.#closeWhenIdle();
  }

  /** Cuts the connection without waiting for anything. @internal */
  terminate(): void {
    this.#carrier.terminate();
  }

  /** @internal */
  closed(clean: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#aborting?.abort();
    this.#host.left(this, this.#ending?.reason ?? (clean ? 'client-close' : 'connection-lost'));
  }

  #handleRequest({ type, id, name, payload }: RequestMessage): void {
    if (this.#host.isDraining) {
      this.#answer(MessageType.ReplyShutdown, id);
      return;
    }
    const message = new Message(name, new Payload(encodingOf(type), payload), id, this.#abortSignal);
    this.#started();
    let reply: Payload | Promise<Payload>;
    try {
      reply = this.#host.dispatcher.request(this, message);
    } catch (error) {
      this.#fail(message, error);
      this.#finished();
      return;
    }
    if (reply instanceof Promise) {
      reply
        .then(
          (resolved) => this.#reply(message, resolved),
          (error) => this.#fail(message, error),
        )
        .then(this.#finished, this.#finished);
    } else {
      this.#reply(message, reply);
      this.#finished();
    }
  }

  #handleSignal({ type, name, payload }: SignalMessage): void {
    if (this.#host.isDraining) return;
    const message = new Message(name, new Payload(encodingOf(type), payload), undefined, this.#abortSignal);
    this.#started();
    this.#host.guard(
      `Signal ${JSON.stringify(name)}`,
      () => this.#host.dispatcher.signal(this, message),
      this.#finished,
    );
  }

  #reply(message: Message, payload: Payload): void {
    try {
      this.#send(encodeMessage({ type: replyType(payload.encoding), id: message.identifier!, payload: payload.bytes }));
    } catch (error) {
      this.#failInternally(message, error);
    }
  }

  #fail(message: Message, error: unknown): void {
    if (!(error instanceof RequestError)) return this.#failInternally(message, error);
    try {
      this.#send(
        encodeMessage({
          type: MessageType.ReplyError,
          id: message.identifier!,
          code: error.code,
          message: error.message,
        }),
      );
    } catch (refusal) {
      this.#failInternally(message, refusal);
    }
  }

  /** Nothing about the failure reaches the client (PROTOCOL.md, section 5). */
  #failInternally(message: Message, error: unknown): void {
    this.#host.logger.error(`Request ${JSON.stringify(message.name)} failed`, stackOf(error));
    this.#answer(MessageType.ReplyInternalError, message.identifier!);
  }

  #answer(
    type:
      | typeof MessageType.ReplyShutdown
      | typeof MessageType.ReplyInternalError
      | typeof MessageType.ReplySessionsDisabled,
    id: Uint8Array,
  ): void {
    if (!this.#isClosed) this.#carrier.send(encodeMessage({ type, id }));
  }

  #send(bytes: Uint8Array): void {
    if (bytes.length > this.#host.messageBufferSize) {
      throw new BufferOverflowError(bytes.length, this.#host.messageBufferSize);
    }
    if (!this.#isClosed) this.#carrier.send(bytes);
  }

  /** Made on first use: most handlers never ask for it. */
  readonly #abortSignal = (): AbortSignal => {
    this.#aborting ??= new AbortController();
    if (this.#isClosed) this.#aborting.abort();
    return this.#aborting.signal;
  };

  #started(): void {
    this.#running++;
    this.#host.started();
  }

  readonly #finished = (): void => {
    this.#running--;
    this.#closeWhenIdle();
    this.#host.finished();
  };

  #closeWhenIdle(): void {
    if (this.#running > 0 || this.#ending === undefined || this.#isClosed) return;
    this.#carrier.close(this.#ending.code, this.#ending.text);
  }
}
