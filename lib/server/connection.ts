import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { SendArguments } from '../contract/entries.js';
import type { ProtocolError } from '../protocol/index.js';
import type { PayloadCodec } from '../protocol/payload-codec.js';
import type { Session } from '../session/session.js';
import type { TransportConnection, ConnectionRequest } from './ports/transport-connection.js';
import { closeCauseOf, type CloseOptions } from './close-options.js';
import { ConnectionCloser, type CloseCause, type ConnectionCallbacks } from './connection-closer.js';
import type { Handshake } from './handshake.js';
import { ExtensionRouter } from './extensions/extension-router.js';
import type { OutgoingStream } from './extensions/outgoing-stream.js';
import { HandlerRunner } from './handler-runner.js';
import { Inbox } from './inbox.js';
import { stackOf } from '../common/logger.js';
import { readIncoming, type Incoming } from './incoming.js';
import { LazyConnectionSession } from './lazy-connection-session.js';
import type { Message } from './message.js';
import { Outbox } from './outbox.js';
import { Liveness } from './liveness.js';
import { RateLimiter } from './rate-limiter.js';
import { addMovedConnectionMembers } from './moved-connection-members.js';
import { ConnectionLifetime } from './connection-lifetime.js';
import { AsyncScope } from './async-scope.js';
import type { ServerContext } from './server-context.js';
import { signalOf, type SignalTarget } from './signal.js';

/** A connected client. */
export class WebwireConnection {
  static {
    addMovedConnectionMembers(this.prototype);
  }

  /** Unique among the connections of all servers. */
  readonly id: string = flat(randomUUID());
  /** Values of the application, never sent to the client. Handshake guards set the first ones, in `handshake.info`. */
  readonly info: Record<string, unknown>;
  /** The upgrade request that opened the connection: its `url` and `headers`. */
  readonly request: ConnectionRequest;
  /**
   * IP address of the client: that of the peer, or if the peer is a proxy in `trustProxy`, the address that it reports. IPv6 is
   * in the form of RFC 5952, IPv4-mapped IPv6 is IPv4. `undefined` if the transport has no addresses.
   */
  readonly ip: string | undefined;

  readonly #context: ServerContext<WebwireConnection>;
  readonly #transportConnection: TransportConnection;
  readonly #outbox: Outbox;
  readonly #extensions: ExtensionRouter;
  readonly #inbox: Inbox<WebwireConnection>;
  readonly #session: LazyConnectionSession;
  readonly #closer: ConnectionCloser<WebwireConnection>;
  readonly #lifetime = new ConnectionLifetime();
  /** In milliseconds. A `Date` would take 96 bytes for as long as the connection is open. */
  readonly #createdAt = Date.now();
  /** Transports may report from within the asynchronous context of a handler that sent something. */
  readonly #scope = new AsyncScope();
  readonly #liveness = new Liveness();

  /** Made by the server when a client connects. @internal */
  constructor(
    context: ServerContext<WebwireConnection>,
    callbacks: ConnectionCallbacks<WebwireConnection>,
    transportConnection: TransportConnection,
    { request, info, concurrencyLimit, ip }: Handshake,
  ) {
    this.request = { url: request.url, headers: request.headers };
    this.ip = ip;
    this.info = info;
    this.#context = context;
    this.#transportConnection = transportConnection;
    const { options, logger, sessions } = context;
    const outbox = new Outbox(transportConnection, options, logger, () => this.#closer.drop('reads too slowly'));
    const session = new LazyConnectionSession(sessions, this, outbox);
    const extensions = new ExtensionRouter(context, outbox);
    const runner = new HandlerRunner(this, context, outbox, session, extensions, () => {
      this.#inbox.startWaiting();
      this.#closer.closeWhenIdle();
    });
    const limiter =
      options.rateLimit &&
      new RateLimiter(
        options.rateLimit,
        (message) => callbacks.limit(this, message),
        () => this.#closer.exceedRate(),
      );
    const inbox = new Inbox(
      this.id,
      context,
      transportConnection,
      outbox,
      extensions,
      runner,
      concurrencyLimit,
      limiter,
    );
    this.#outbox = outbox;
    this.#extensions = extensions;
    this.#session = session;
    this.#inbox = inbox;
    this.#closer = new ConnectionCloser(this, transportConnection, inbox, callbacks, logger);
  }

  /** The time at which the connection opened. */
  get createdAt(): Date {
    return new Date(this.#createdAt);
  }

  /** HTTP headers of the upgrade request, names in lower case: those of `request`. */
  get headers(): ConnectionRequest['headers'] {
    return this.request.headers;
  }

  /** IP address of the peer, which may be a proxy: see `ip`. `undefined` if the transport has none. */
  get remoteAddress(): string | undefined {
    return this.#transportConnection.remoteAddress;
  }

  /** True while messages are received: `false` once the connection is closing or closed. */
  get isActive(): boolean {
    return this.#closer.isOpen;
  }

  /** True if the connection is closed. @internal */
  get isGone(): boolean {
    return this.#closer.isClosed;
  }

  /** True if the connection is closed or closing because the server shuts down. @internal */
  get isShutDown(): boolean {
    return this.#closer.isShutDown;
  }

  /**
   * Bytes that wait to be written to the client, messages of the current turn of the event loop included. Above
   * `maxBufferedAmount`, the server starts no handlers for the client until all of them have been written. A client for
   * which that many bytes of signals wait is disconnected.
   */
  get bufferedAmount(): number {
    return this.#transportConnection.bufferedAmount;
  }

  /**
   * Sends a signal to this client (docs/PROTOCOL.md, section 5). Signals and replies are sent in the order of the calls; a
   * signal that a handler sends precedes the reply of that handler.
   *
   * @param signal A name: at most 255 printable ASCII characters; may be empty if there is a body. Or an entry of `serverSignals`
   *   of a contract: its schema validates the body, which is sent as JSON.
   * @param body Encoded by the codec of the gateways, else by that of the module. By default, a string is sent as UTF-8,
   *   bytes (`Uint8Array`, `ArrayBuffer`, other views) as binary, `null` as nothing, and any other value as JSON in UTF-8.
   *   With each codec, a `Payload` is sent unchanged, and `undefined` as nothing. Do not change bytes afterwards: 16 384
   *   and more are sent without a copy.
   * @returns `false` if the signal was not sent, as the connection is closing or gone, or its client reads too slowly.
   * @throws BufferOverflowError if the message is larger than `messageBufferSize`.
   * @throws ProtocolError if the protocol forbids it: a bad name, or neither name nor body.
   * @throws TypeError for a body that JSON cannot express, a promise or an Observable, and for an asynchronous schema; any error
   *   that the codec throws.
   * @throws ContractError for a body that does not fit the schema.
   * @example connection.signal(chat.serverSignals.message, message);
   */
  signal<Signal extends SignalTarget>(signal: Signal, ...body: SendArguments<Signal>): boolean;
  signal(target: SignalTarget, body?: unknown): boolean {
    return this.#outbox.signal(signalOf(target, body, this.#context.codec));
  }

  /** Encodes the signals to this client. @internal */
  get codec(): PayloadCodec {
    return this.#context.codec;
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
   * The current session of this connection, or `null`. After the connection is gone, the session that it had last, so that
   * `handleDisconnect` can use it.
   */
  get session(): Session | null {
    return this.#session.session;
  }

  /**
   * Creates a session for this connection (docs/PROTOCOL.md, section 6). The client gets it before the reply of the handler
   * that calls this, and can restore it on other connections.
   *
   * @param info Data to keep in the session: a plain object of JSON values, which is copied.
   * @returns Resolves when the session is stored. A failure to store it is logged and does not reject.
   * @throws SessionError if sessions are off, the connection is gone or has a session, the info is not JSON, or the key
   *   generator makes an unusable key; BufferOverflowError if the session does not fit the client's buffer.
   */
  async createSession(info?: object): Promise<void> {
    await this.#session.get().create(info);
  }

  /**
   * Closes the session of this connection and notifies the client. The session is destroyed if no other connection has it.
   * Does nothing if the connection has no session, or is gone: its session can then still be restored.
   *
   * @throws SessionError if sessions are off, or if the session manager could not destroy the session, which is closed
   *   nevertheless.
   */
  async closeSession(): Promise<void> {
    await this.#session.get().close();
  }

  /**
   * Closes the connection (docs/PROTOCOL.md, section 8): no more messages are received, running handlers finish and their
   * replies are sent. Further calls close nothing more.
   *
   * @param options Code and reason of the close frame.
   * @returns Resolves when the connection is closed. If handlers run on it, resolves at once: a handler that awaits this
   *   would wait for itself.
   * @throws InvalidOptionError for another code, or a reason that is too long: then the connection stays open.
   * @example await connection.close({ code: 4401, reason: 'token expired' });
   */
  async close(options: CloseOptions = {}): Promise<void> {
    this.end(closeCauseOf(options));
    if (this.#inbox.isIdle) await this.#closer.whenClosed();
  }

  /** Only the `id`, so that a connection in a reply or a log by mistake reveals nothing else. */
  toJSON(): { id: string } {
    return { id: this.id };
  }

  /** Sends AcceptConf (docs/PROTOCOL.md, section 4). @internal */
  open(acceptConf: Uint8Array): void {
    this.#transportConnection.send(acceptConf);
  }

  /** @internal */
  receive(bytes: Uint8Array, start: number = 0, end: number = bytes.length): void {
    if (!this.#closer.isOpen) return;
    let message: Incoming;
    try {
      message = readIncoming(bytes, start, end, this.#context.options.messageBufferSize, this.#lifetime);
    } catch (error) {
      this.violate(error as ProtocolError);
      return;
    }
    this.#inbox.receive(message);
  }

  /** @internal */
  violate(error: ProtocolError): void {
    this.#closer.violate(error);
  }

  /** @internal */
  congest(): void {
    if (this.#outbox.isCongested) this.#closer.drop('reads too slowly');
  }

  /** @internal */
  drained(): void {
    this.#scope.runInAsyncScope(() => this.#inbox.drained());
  }

  /** @internal */
  fail(error: unknown): void {
    this.#closer.fail(error);
  }

  /** Called at regular intervals. Closes the connection if no data was received or written for too long. @internal */
  checkLiveness(): void {
    const isRead = !this.#inbox.isPaused && !this.#closer.isExpelled;
    const finding = this.#liveness.check(this.#transportConnection, isRead);
    if (finding === 'silent') this.cut({ code: 1001, text: 'read timeout', reason: 'read-timeout' });
    else if (finding === 'stalled') this.#closer.drop('has taken nothing for the read timeout');
    // For transports that do not call `drained`.
    else if (!this.#outbox.isFull) this.#inbox.drained();
  }

  /** Refuses the messages that wait for a handler, because the server shuts down. @internal */
  refuseWaiting(): void {
    this.#inbox.refuseWaiting();
  }

  /**
   * Opens a stream as the reply to a request whose handler is being called.
   * @throws RequestError, or rejects with it, if the client has not asked for streams, or has too many.
   * @internal
   */
  openStream(message: Message): OutgoingStream | Promise<OutgoingStream> {
    return this.#extensions.openStream(message);
  }

  /** The number of streams of which something still runs. @internal */
  get openStreams(): number {
    return this.#extensions.active?.openStreams ?? 0;
  }

  /** Aborts the signals of all streams, because the server begins to shut down. @internal */
  abortStreams(): void {
    this.#extensions.active?.abortStreams();
  }

  /** Ends all streams, because the time for the shutdown is over. @internal */
  shutDownStreams(): void {
    this.#extensions.shutDownStreams();
  }

  /** Receives no more messages, lets running handlers finish and reply, then closes the connection. @internal */
  end(cause: CloseCause): void {
    this.#closer.end(cause);
  }

  /** Closes the connection without waiting for handlers. @internal */
  cut(cause: CloseCause): void {
    this.#closer.cut(cause);
  }

  /** Ends the connection without a closing handshake. @internal */
  terminate(): void {
    this.#transportConnection.terminate();
  }

  /** @internal */
  closed(clean: boolean): void {
    if (this.#closer.isClosed) return;
    this.#closer.closed();
    this.#inbox.abandon();
    this.#lifetime.end();
    const fail = (error: unknown) => this.#context.logger.error('Releasing a session failed', stackOf(error));
    void this.#session.release()?.catch(fail);
    this.#scope.runInAsyncScope(() => this.#closer.reportClosed(clean));
  }
}

/** The same text in one piece. Node.js makes a UUID of 15 pieces, which together take eight times the memory. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
