import { randomUUID } from 'node:crypto';
import type { ProtocolError } from '../protocol/index.js';
import type { PayloadCodec } from '../protocol/payload-codec.js';
import { SessionError } from '../session/session-error.js';
import { ConnectionSession } from '../session/connection-session.js';
import type { Session } from '../session/session.js';
import type { TransportConnection, ConnectionRequest } from './ports/transport-connection.js';
import type { ConnectionHost } from './connection-host.js';
import type { DisconnectReason } from './disconnect-reason.js';
import type { Handshake } from './handshake.js';
import { Inbox } from './inbox.js';
import { stackOf } from '../common/logger.js';
import { readIncoming, type Incoming } from './incoming.js';
import { Outbox } from './outbox.js';
import { Liveness } from './liveness.js';
import { MOVED_CONNECTION_MEMBERS } from './moved-connection-members.js';
import { addMovedMembers, fail } from './moved-members.js';
import { ConnectionLifetime } from './connection-lifetime.js';
import { AsyncScope } from './async-scope.js';
import { signalOf } from './signal.js';

/** Closing bytes of a WebSocket (RFC 6455, section 7.4.1), and why the server sends them. */
interface Ending {
  readonly code: number;
  readonly text: string;
  readonly reason: DisconnectReason;
}

/** One client, connected. */
export class WebwireConnection {
  static {
    addMovedMembers(this.prototype, 'connection', MOVED_CONNECTION_MEMBERS);
    // Nest's base exception filter emits `exception`: here the failure itself is the answer.
    const emit = (event: unknown): boolean =>
      event !== 'exception' && fail('connection.emit()', 'connection.signal(name, body)');
    Object.defineProperty(this.prototype, 'emit', { value: emit, writable: true, configurable: true });
  }

  /** Unique among the connections of all servers. */
  readonly id: string = randomUUID();
  /** When the connection opened. */
  readonly createdAt: Date = new Date();
  /** Values of the application's own, at first those that handshake guards left; never sent anywhere. */
  readonly info: Record<string, unknown>;
  /** The upgrade request that opened the connection: its `url` and `headers`. */
  readonly request: ConnectionRequest;

  readonly #transportConnection: TransportConnection;
  readonly #host: ConnectionHost;
  readonly #outbox: Outbox;
  readonly #inbox: Inbox;
  readonly #lifetime = new ConnectionLifetime();
  /** Transports may report from within the asynchronous context of a handler that sent something. */
  readonly #scope = new AsyncScope();
  #ending: Ending | undefined;
  #isCut = false;
  #isClosed = false;
  readonly #liveness = new Liveness();
  #sessionSlot: ConnectionSession | undefined;
  #closing: Promise<void> | undefined;
  #notifyClosed: (() => void) | undefined;

  /** Made by the server when a client connects. */
  constructor(
    host: ConnectionHost,
    transportConnection: TransportConnection,
    { request, info, concurrencyLimit }: Handshake,
  ) {
    this.request = { url: request.url, headers: request.headers };
    this.info = info;
    this.#host = host;
    this.#transportConnection = transportConnection;
    this.#outbox = new Outbox(transportConnection, host, host.logger, () => this.#drop('reads too slowly'));
    this.#inbox = new Inbox(this, host, this.#outbox, {
      limit: concurrencyLimit,
      transportConnection,
      sessionSlot: () => this.#connectionSession(),
      idle: () => this.#closeWhenIdle(),
    });
  }

  /** IP address of the peer; that of the proxy, if there is one. `undefined` if the transport knows none. */
  get remoteAddress(): string | undefined {
    return this.#transportConnection.remoteAddress;
  }

  /** Whether messages are received: `false` once the connection is closing or closed. */
  get isActive(): boolean {
    return !this.#isClosed && this.#ending === undefined;
  }

  /** Whether the connection is closed for good. @internal */
  get isGone(): boolean {
    return this.#isClosed;
  }

  /**
   * How much waits to be written to the client, in bytes, with everything that was sent just now. Beyond `maxBufferedAmount`
   * no handlers are started for the client until it has drained; that much of signals disconnects it.
   */
  get bufferedAmount(): number {
    return this.#transportConnection.bufferedAmount;
  }

  /**
   * Sends a signal to this client (PROTOCOL.md, section 5). Signals and replies leave in the order in which
   * they were given; a signal that a handler sends precedes that handler's reply.
   *
   * @param name At most 255 printable ASCII characters; may be empty if there is a body.
   * @param body The codec of the server encodes it: that of its gateways, else that of the module. By default a string is
   *   sent as UTF-8, bytes (`Uint8Array`, `ArrayBuffer`, other views) as binary, `null` as nothing, any other value as JSON
   *   in UTF-8. Whatever the codec, a `Payload` is sent as it is, and `undefined` as nothing. Bytes must not be changed
   *   afterwards: many (16 384 and more) are sent from where they are.
   * @returns `false` if the connection is gone, and the signal with it.
   * @throws BufferOverflowError if the message is larger than `messageBufferSize`.
   * @throws ProtocolError if the protocol forbids it: a bad name, or neither name nor body.
   * @throws TypeError for a body that JSON cannot express, a promise or an Observable; and whatever the codec throws.
   */
  signal(name: string, body?: unknown): boolean {
    return this.#outbox.signal(signalOf(name, body, this.#host.codec));
  }

  /** Encodes the signals to this client. @internal */
  get codec(): PayloadCodec {
    return this.#host.codec;
  }

  /** Sends a signal that is already encoded, as `signal()` does. @internal */
  sendEncoded(message: Uint8Array): boolean {
    return this.#outbox.sendEncoded(message);
  }

  /** @throws BufferOverflowError if `sendEncoded()` would. @internal */
  assertFits(message: Uint8Array): void {
    this.#outbox.assertFits(message);
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
    await this.#connectionSession().create(info);
  }

  /**
   * Closes the session of this connection and tells the client. Does nothing without one, and when the connection is
   * gone, whose session stays restorable. The session is destroyed if
   * no other connection has it.
   *
   * @throws SessionError if sessions are off, or the session manager could not destroy the session: it is closed then.
   */
  async closeSession(): Promise<void> {
    await this.#connectionSession().close();
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
    if (this.#inbox.isIdle && !this.#isClosed) await this.#whenClosed();
  }

  /** Only the `id`: a connection that gets into a reply or a log by mistake gives nothing away. */
  toJSON(): { id: string } {
    return { id: this.id };
  }

  /** Announces the server to the client (PROTOCOL.md, section 4). @internal */
  open(acceptConf: Uint8Array): void {
    this.#transportConnection.send(acceptConf);
  }

  /** @internal */
  receive(bytes: Uint8Array, start: number = 0, end: number = bytes.length): void {
    if (!this.isActive) return;
    let message: Incoming;
    try {
      message = readIncoming(bytes, start, end, this.#host.messageBufferSize, this.#lifetime);
    } catch (error) {
      this.violate(error as ProtocolError);
      return;
    }
    this.#inbox.receive(message);
  }

  /** @internal */
  violate(error: ProtocolError): void {
    if (!this.isActive) return;
    this.#host.logger.warn(
      `Connection ${this.id} (${this.remoteAddress}) broke the protocol and is closed: ${error.message} (${error.code})`,
    );
    this.#ending = { code: error.closeCode, text: error.code, reason: 'violation' };
    this.#inbox.dropWaiting();
    this.#transportConnection.pause();
    this.#host.violated(this, error);
    this.#closeWhenIdle();
  }

  /** @internal */
  congest(): void {
    if (this.#outbox.isCongested) this.#drop('reads too slowly');
  }

  /** @internal */
  drained(): void {
    this.#scope.runInAsyncScope(() => this.#inbox.drained());
  }

  /** @internal */
  fail(error: unknown): void {
    this.#host.logger.error(
      `Connection ${this.id} (${this.remoteAddress}) is ended, as a message to it could not be written. ` +
        'Do not transfer, resize or change bytes that were sent or returned: send a copy instead',
      stackOf(error),
    );
    this.#transportConnection.terminate();
  }

  /** Called at regular intervals: ends the connection when nothing moves on it any more. @internal */
  checkLiveness(): void {
    const isRead = !this.#inbox.isWaiting && this.#ending?.reason !== 'violation';
    const finding = this.#liveness.look(this.#transportConnection, isRead);
    if (finding === 'silent') this.cut({ code: 1001, text: 'read timeout', reason: 'read-timeout' });
    else if (finding === 'stalled') this.#drop('has taken nothing for the read timeout');
    // For transports that do not report it.
    else if (!this.#outbox.isFull) this.#inbox.drained();
  }

  /** Answers what still waits to be handled: the server shuts down. @internal */
  refuseWaiting(): void {
    this.#inbox.refuseWaiting();
  }

  /** Takes no more work, lets running handlers finish and reply, then closes the transport connection. @internal */
  end(ending: Ending): void {
    if (!this.isActive) return;
    this.#ending = ending;
    this.#inbox.dropWaiting();
    this.#closeWhenIdle();
  }

  /** Closes the connection without waiting for handlers. @internal */
  cut(ending: Ending): void {
    this.#isCut = true;
    this.#ending ??= ending;
    this.#inbox.dropWaiting();
    this.#transportConnection.close(ending.code, ending.text);
  }

  /** Ends the connection without a word to the client. @internal */
  terminate(): void {
    this.#transportConnection.terminate();
  }

  /** @internal */
  closed(clean: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inbox.abandon();
    this.#lifetime.end();
    this.#notifyClosed?.();
    const connectionSession = this.#sessionSlot;
    if (connectionSession) this.#host.guard('Releasing a session', () => connectionSession.release());
    const reason = this.#ending?.reason ?? (clean ? 'client-close' : 'connection-lost');
    this.#scope.runInAsyncScope(() => this.#host.left(this, reason));
  }

  /** Made on first use: not every connection has a session. */
  #connectionSession(): ConnectionSession {
    const { sessions } = this.#host;
    if (!sessions) {
      throw new SessionError(
        'SESSIONS_DISABLED',
        'sessions are switched off: the option sessions of WebwireModule or of the gateway is false',
      );
    }
    this.#sessionSlot ??= new ConnectionSession(sessions, this, this.#outbox, this.#isClosed);
    return this.#sessionSlot;
  }

  #whenClosed(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#notifyClosed = resolve;
    });
    return this.#closing;
  }

  /** The client takes too little of what is sent to it. */
  #drop(what: string): void {
    if (this.#isCut || this.#isClosed) return;
    const { bufferedAmount } = this;
    this.#host.logger.warn(
      `Connection ${this.id} (${this.remoteAddress}) ${what} and is dropped: ${bufferedAmount} bytes wait for it`,
    );
    this.cut({ code: 1013, text: 'reads too slowly', reason: 'backlog' });
    this.#host.dropped(this, bufferedAmount);
  }

  #closeWhenIdle(): void {
    if (!this.#inbox.isIdle || this.#isCut || this.#ending === undefined || this.#isClosed) return;
    this.#transportConnection.close(this.#ending.code, this.#ending.text);
  }
}
