import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import {
  decodeMessage,
  encodingOf,
  MessageType,
  Payload,
  ProtocolError,
  signalType,
  type CloseSessionMessage,
  type ProtocolMessage,
  type RequestMessage,
  type RestoreSessionMessage,
  type SignalMessage,
} from '../protocol/index.js';
import { SessionError } from '../session/session-error.js';
import { SessionSlot } from '../session/session-slot.js';
import type { Session } from '../session/session.js';
import type { Carrier, ConnectionRequest } from './carrier.js';
import type { DisconnectReason } from './disconnect-reason.js';
import { stackOf } from './logger.js';
import { Message } from './message.js';
import { Outbox } from './outbox.js';
import { toPayload } from './payload-codec.js';
import type { ConnectionHost } from './connection-host.js';

/** Closing bytes of a WebSocket (RFC 6455, section 7.4.1), and why the server sends them. */
interface Ending {
  readonly code: number;
  readonly text: string;
  readonly reason: DisconnectReason;
}

/**
 * Session requests of one connection run one after the other; when this many wait, nothing more is read from it, so that
 * what a client can queue is bounded by what was read at once.
 */
const MAX_SESSION_REQUESTS = 16;

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
  readonly #outbox: Outbox;
  #running = 0;
  #ending: Ending | undefined;
  #isClosed = false;
  #aborting: AbortController | undefined;
  #sessionSlot: SessionSlot | undefined;
  #sessionRequests = 0;
  #closing: Promise<void> | undefined;
  #notifyClosed: (() => void) | undefined;

  /** Made by the server when a client connects. */
  constructor(
    host: ConnectionHost,
    carrier: Carrier,
    /** The upgrade request that opened the connection: its `url` and `headers`. */
    readonly request: ConnectionRequest,
  ) {
    this.#host = host;
    this.#carrier = carrier;
    this.#outbox = new Outbox(carrier, host.messageBufferSize, host.logger);
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
   * @param body A string is sent as UTF-8, bytes (`Uint8Array`, `ArrayBuffer`, other views) as binary, a `Payload` as it
   *   is, `undefined` and `null` as nothing, any other value as JSON in UTF-8.
   * @returns `false` if the connection is gone, and the signal with it.
   * @throws BufferOverflowError if the message is larger than `messageBufferSize`.
   * @throws ProtocolError if the protocol forbids it: a bad name, or neither name nor body.
   * @throws TypeError for a body that JSON cannot express, a promise or an Observable.
   */
  signal(name: string, body?: unknown): boolean {
    const payload = toPayload(body);
    return this.#outbox.send({ type: signalType(payload.encoding), name, payload: payload.bytes });
  }

  /**
   * The session of this connection as it is now, or `null`. When the connection is gone, the one that it had, so that
   * `handleDisconnect` can tell who left.
   */
  get session(): Session | null {
    return this.#sessionSlot?.session ?? null;
  }

  /**
   * Creates a session for this connection (PROTOCOL.md, section 6). The client is told before the reply of the handler
   * that did it, and can restore the session on other connections.
   *
   * @param info What to keep in it: a plain object of JSON values, which is copied.
   * @returns Resolves when the session is stored, or storing it failed, which is logged.
   * @throws SessionError if sessions are off, the connection is gone or has a session, the info is not JSON, or the key
   *   generator breaks its rules; BufferOverflowError if the session does not fit the client's buffer.
   */
  async createSession(info?: object): Promise<void> {
    await this.#slot().create(info);
  }

  /**
   * Closes the session of this connection and tells the client. Does nothing without one, and when the connection is
   * gone, whose session stays restorable. The session is destroyed if
   * no other connection has it.
   *
   * @throws SessionError if sessions are off, or the session manager could not destroy the session: it is closed then.
   */
  async closeSession(): Promise<void> {
    await this.#slot().close();
  }

  /**
   * Closes the connection (PROTOCOL.md, section 8): nothing more is received, running handlers finish and their replies
   * are sent. Calling it again is harmless.
   *
   * @returns Resolves when the connection is closed; at once while handlers run on it, as a handler that waited for the
   *   end of all handlers would wait for itself.
   */
  async close(): Promise<void> {
    this.end({ code: 1000, text: '', reason: 'server-close' });
    if (this.#running === 0 && !this.#isClosed) await this.#whenClosed();
  }

  /** Only the `id`: a connection that gets into a reply or a log by mistake gives nothing away. */
  toJSON(): { id: string } {
    return { id: this.id };
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
        this.#handleSessionRequest(message);
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
    this.#carrier.pause();
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
    this.#notifyClosed?.();
    const slot = this.#sessionSlot;
    if (slot) this.#host.guard('Releasing a session', () => slot.release());
    this.#host.left(this, this.#ending?.reason ?? (clean ? 'client-close' : 'connection-lost'));
  }

  #handleRequest({ type, id, name, payload }: RequestMessage): void {
    if (this.#host.isDraining) {
      this.#outbox.answer(MessageType.ReplyShutdown, id);
      return;
    }
    const message = new Message(name, new Payload(encodingOf(type), payload), id, this.#abortSignal);
    this.#started();
    let reply: Payload | Promise<Payload>;
    try {
      reply = this.#host.dispatcher.request(this, message);
    } catch (error) {
      this.#outbox.fail(message, error);
      this.#finished();
      return;
    }
    if (reply instanceof Promise) {
      reply
        .then(
          (resolved) => this.#outbox.reply(message, resolved),
          (error) => this.#outbox.fail(message, error),
        )
        .then(this.#finished, this.#finished);
    } else {
      this.#outbox.reply(message, reply);
      this.#finished();
    }
  }

  #handleSignal({ type, name, payload }: SignalMessage): void {
    if (this.#host.isDraining) return;
    const message = new Message(name, new Payload(encodingOf(type), payload), undefined, this.#abortSignal);
    this.#started();
    let handled: void | Promise<void> = undefined;
    try {
      handled = this.#host.dispatcher.signal(this, message);
    } catch (error) {
      this.#signalFailed(name, error);
    }
    if (handled instanceof Promise) {
      void handled.catch((error) => this.#signalFailed(name, error)).finally(this.#finished);
    } else {
      this.#finished();
    }
  }

  #signalFailed(name: string, error: unknown): void {
    this.#host.logger.error(`Signal ${JSON.stringify(name)} failed`, stackOf(error));
  }

  #handleSessionRequest(message: RestoreSessionMessage | CloseSessionMessage): void {
    const { id } = message;
    if (this.#host.isDraining) return this.#outbox.answer(MessageType.ReplyShutdown, id);
    if (!this.#host.sessions) return this.#outbox.answer(MessageType.ReplySessionsDisabled, id);
    const slot = this.#slot();
    this.#started();
    if (++this.#sessionRequests === MAX_SESSION_REQUESTS) this.#carrier.pause();
    this.#host.guard(
      'Session request',
      () =>
        message.type === MessageType.RequestRestoreSession
          ? slot.restore(id, message.sessionKey)
          : slot.closeForClient(id),
      () => {
        if (this.#sessionRequests-- === MAX_SESSION_REQUESTS && this.isActive) this.#carrier.resume();
        this.#finished();
      },
    );
  }

  /** Made on first use: not every connection has a session. */
  #slot(): SessionSlot {
    const { sessions } = this.#host;
    if (!sessions) throw new SessionError('SESSIONS_DISABLED', 'sessions are switched off: sessions is false');
    this.#sessionSlot ??= new SessionSlot(sessions, this, this.#outbox.send, this.#isClosed);
    return this.#sessionSlot;
  }

  /** Made on first use: most handlers never ask for it. */
  readonly #abortSignal = (): AbortSignal => {
    if (!this.#aborting) {
      this.#aborting = new AbortController();
      // One for all messages of the connection, however many handlers listen.
      setMaxListeners(0, this.#aborting.signal);
    }
    if (this.#isClosed) this.#aborting.abort();
    return this.#aborting.signal;
  };

  #whenClosed(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#notifyClosed = resolve;
    });
    return this.#closing;
  }

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
