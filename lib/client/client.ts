import {
  encodeMessage,
  encodingOf,
  IDENTIFIER_LENGTH,
  MessageType,
  ProtocolError,
  requestType,
  signalType,
  type Payload,
  type PayloadEncoding,
  type ProtocolMessage,
} from '../protocol/index.js';
import { encodeBody } from '../protocol/payload-codec.js';
import { callSafely, Listeners, type ClientEvents } from './client-events.js';
import { check, resolveOptions, type ClientOptions, type ResolvedClientOptions } from './client-options.js';
import type { ClientSession } from './client-session.js';
import { ClientSessions } from './client-sessions.js';
import { Connector, type ClientStatus } from './connector.js';
import type {
  AnyContract,
  Contract,
  Reply,
  RequestArguments,
  RequestName,
  ServerSignalName,
  SignalArguments,
  SignalName,
  SignalPayload,
} from './contract.js';
import { Messenger } from './messenger.js';
import { Operation, type OperationOptions } from './operation.js';
import type { AbortSignalLike } from './platform.js';
import { ReceivedPayload } from './received-payload.js';
import { SessionKeeper } from './session-keeper.js';

/** How to connect. */
export interface ConnectOptions {
  /** Gives up when it is aborted: with a `CanceledError`, whose `cause` is the reason of the signal. */
  signal?: AbortSignalLike;
  /**
   * Whether an attempt that fails is followed by others, after the delays of the option `reconnect`.
   * @default false
   */
  retry?: boolean;
}

type SignalHandler = (payload: ReceivedPayload, name: string) => unknown;
type EventListener = (event: never) => unknown;

const NO_ID = new Uint8Array(IDENTIFIER_LENGTH);

/** Names are strings, so this is none: the list of the handlers that take all signals. */
const ALL = Symbol('all signals');

/**
 * A client of a WebWire server.
 *
 * It connects when `connect()` is called or, unless `reconnect` is `false`, when something is to be sent. A connection
 * that is lost is then replaced, until `close()`.
 *
 * @typeParam Api What the server understands: see `Contract`.
 * @example
 * const client = new WebwireClient('ws://localhost:3000');
 * const reply = await client.request('greet', 'Ada');
 * console.log(reply.text());
 */
export class WebwireClient<Api extends Contract = AnyContract> {
  readonly #options: ResolvedClientOptions;
  readonly #connector: Connector;
  readonly #messenger: Messenger;
  readonly #keeper: SessionKeeper;
  readonly #sessions: ClientSessions;
  readonly #signalHandlers = new Listeners<SignalHandler>();
  readonly #eventListeners = new Listeners<EventListener>();
  #closing: Promise<void> | undefined;

  /**
   * Makes a client, which does not connect yet.
   * @param url Of the server, `ws:` or `wss:`; `http:` and `https:` stand for these.
   * @throws InvalidOptionError
   */
  constructor(url: string | { readonly href: string }, options: ClientOptions = {}) {
    const resolved = resolveOptions(url, options);
    const emit = this.#emit.bind(this);
    this.#options = resolved;
    this.#connector = new Connector(resolved, {
      prepare: (link) => this.#sessions.prepare(link),
      received: (message) => this.#receive(message),
      lost: (error) => this.#messenger.lost(error),
      emit,
      isSessionRestored: () => this.#sessions.isRestored,
    });
    this.#messenger = new Messenger(this.#connector, resolved.requestTimeout, resolved.reconnects);
    this.#keeper = new SessionKeeper(resolved.sessionStorage, resolved.storageName);
    this.#sessions = new ClientSessions(this.#messenger, this.#keeper, resolved.dialTimeout, emit);
  }

  /** What the client is doing. */
  get status(): ClientStatus {
    return this.#connector.status;
  }

  /**
   * The session, a snapshot; `null` if there is none. While there is no connection it is the last one's, which the next
   * connection restores.
   */
  get session(): ClientSession | null {
    return this.#keeper.session;
  }

  /** How many requests have neither a reply nor failed yet, those included that wait for a connection. */
  get pendingRequests(): number {
    return this.#messenger.unsettled;
  }

  /** Bytes that were sent and still wait for the network. Whoever sends a lot of signals looks here, and waits. */
  get bufferedAmount(): number {
    return this.#connector.bufferedAmount;
  }

  /**
   * Connects. Resolves when the server is known to be the right one and the session, if there is one, is restored, so that
   * the first request runs in it; at once, if there is a connection already.
   *
   * It makes one attempt, or shares the one that is being made, and rejects if that fails; then nothing goes on in the
   * background, unless requests are waiting, a lost connection is being replaced, or `retry` is set.
   *
   * @throws DialTimeoutError if the server does not answer within `dialTimeout`.
   * @throws DisconnectedError if there is no connection to be had, or the client is closed.
   * @throws IncompatibleProtocolVersionError, SubProtocolMismatchError if the server is another one.
   * @throws ProtocolError if the server breaks the protocol.
   * @throws TimeoutError, ServerShutdownError if the session could be neither restored nor found missing.
   * @throws CanceledError if the signal is aborted.
   */
  async connect({ signal, retry = false }: ConnectOptions = {}): Promise<void> {
    check('retry', retry, typeof retry === 'boolean', 'a boolean');
    const connecting = new Operation<void>({ signal }, Infinity);
    if (!connecting.isSettled) {
      const waiter = {
        isPatient: retry,
        isUrgent: true,
        ready: () => connecting.resolve(),
        failed: (error: Error) => connecting.reject(error),
      };
      connecting.release = () => this.#connector.leave(waiter);
      this.#connector.enter(waiter);
    }
    await connecting.promise;
  }

  /**
   * Sends a request and resolves with its reply. While there is no connection it waits for one, and connects if need be;
   * with `reconnect: false` it fails instead. It is sent once, or not at all.
   *
   * @param name Up to 255 printable ASCII characters; empty for a nameless request.
   * @param body A string is sent as UTF-8, a `Uint8Array` as binary, a `Payload` as it is, `undefined` and `null` as
   *   nothing, anything else as the client's `codec` says: as JSON by default.
   * @throws RequestError with the code and the message that the handler of the server chose.
   * @throws InternalServerError if the handler failed otherwise.
   * @throws ServerShutdownError if the server shuts down, and did not handle the request.
   * @throws TimeoutError, DeadlineExceededError, CanceledError as the options say. A reply that comes later is dropped.
   * @throws DisconnectedError if the connection is lost: whether the server handled the request is not known.
   * @throws BufferOverflowError if it does not fit the server's message buffer; nothing is sent.
   * @throws ProtocolError for a name that cannot be sent, and if the server broke the protocol meanwhile.
   * @throws TypeError if there is no payload for the body.
   */
  async request<Name extends RequestName<Api>>(
    name: Name,
    ...[body, options = {}]: RequestArguments<Api, Name, OperationOptions>
  ): Promise<Reply<Api, Name>> {
    const { encoding, bytes } = encodeBody(body, this.#options.codec);
    const message = encodeMessage({ type: requestType(encoding), id: NO_ID, name, payload: bytes });
    return this.#receivedPayload(await this.#messenger.ask(message, options)) as Reply<Api, Name>;
  }

  /**
   * Sends a signal. Resolves when it is handed to the connection: signals are not answered. While there is no connection it
   * waits for one, and connects if need be; with `reconnect: false` it fails instead. Name, body, options and errors are as
   * those of `request()`.
   */
  async signal<Name extends SignalName<Api>>(
    name: Name,
    ...[body, options = {}]: SignalArguments<Api, Name, OperationOptions>
  ): Promise<void> {
    const { encoding, bytes } = encodeBody(body, this.#options.codec);
    await this.#messenger.tell(encodeMessage({ type: signalType(encoding), name, payload: bytes }), options);
  }

  /**
   * Calls a handler with each signal of the server that has this name, or with all. What a handler throws, or its promise
   * rejects with, is told by the event `error`.
   * @returns What removes the handler again.
   */
  onSignal<Name extends ServerSignalName<Api>>(
    name: Name,
    handler: (payload: SignalPayload<Api, Name>, name: Name) => unknown,
  ): () => void;
  onSignal(handler: (payload: ReceivedPayload, name: string) => unknown): () => void;
  onSignal(...args: unknown[]): () => void {
    const [name, handler] = args.length === 1 ? [ALL, args[0]] : args;
    return this.#signalHandlers.add(name, handler as SignalHandler);
  }

  /**
   * Calls a listener when something happens. A listener that fails harms nobody: the event `error` tells of it. Errors that
   * nobody listens to go to `console.error()`.
   * @returns What removes the listener again.
   */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => unknown): () => void {
    return this.#eventListeners.add(name, listener);
  }

  /**
   * Gives this connection an existing session, instead of the one it may have.
   *
   * @param key Printable ASCII characters.
   * @throws SessionNotFoundError, MaxSessionConnectionsReachedError, SessionsDisabledError if the server refuses.
   * @throws Error as `request()` does.
   */
  async restoreSession(key: string, options: OperationOptions = {}): Promise<ClientSession> {
    return this.#sessions.restore(key, options);
  }

  /**
   * Closes the session on this connection, and forgets it. Does nothing if there is none. The server destroys a session
   * that is closed on its last connection.
   * @throws Error as `request()` does; then the session is still there.
   */
  async closeSession(options: OperationOptions = {}): Promise<void> {
    await this.#sessions.close(options);
  }

  /**
   * Closes the client for good: no more requests are taken, those that wait for a connection fail, those that were sent are
   * waited for, each within its own timeout; then the connection is closed, with code 1000. The session stays, to be
   * restored by another client. Calling it twice is harmless.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#connector.stop();
    await this.#messenger.finished();
    await this.#connector.end();
  }

  #receive(message: ProtocolMessage): void {
    switch (message.type) {
      case MessageType.SignalBinary:
      case MessageType.SignalUtf8:
      case MessageType.SignalUtf16:
        this.#connector.prove();
        return this.#handleSignal(message.name, encodingOf(message.type), message.payload);
      case MessageType.SessionCreated:
        return this.#sessions.created(message.session);
      case MessageType.SessionClosed:
        return this.#sessions.closedByServer();
      case MessageType.AcceptConf:
      case MessageType.Heartbeat:
      case MessageType.RequestBinary:
      case MessageType.RequestUtf8:
      case MessageType.RequestUtf16:
      case MessageType.RequestCloseSession:
      case MessageType.RequestRestoreSession:
        throw new ProtocolError('UNEXPECTED_MESSAGE', `message of type ${message.type} from a server`, 0);
      default:
        this.#messenger.settle(message);
        return this.#connector.prove();
    }
  }

  #handleSignal(name: string, encoding: PayloadEncoding, bytes: Uint8Array): void {
    for (const handler of [...this.#signalHandlers.of(name), ...this.#signalHandlers.of(ALL)]) {
      callSafely(
        () => handler(new ReceivedPayload(encoding, bytes, this.#options.codec), name),
        (error) => this.#emit('error', { error }),
      );
    }
  }

  #receivedPayload({ encoding, bytes }: Payload): ReceivedPayload {
    return new ReceivedPayload(encoding, bytes, this.#options.codec);
  }

  #emit<Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]): void {
    const listeners = this.#eventListeners.of(name) as ((event: ClientEvents[Name]) => unknown)[];
    // An error that a listener of errors throws must not come back to it.
    const report = (error: unknown) => (name === 'error' ? console.error(error) : this.#emit('error', { error }));
    if (name === 'error' && listeners.length === 0) console.error((event as ClientEvents['error']).error);
    for (const listener of listeners) callSafely(() => listener(event), report);
  }
}
