import { encodeRequest, encodeSignal } from '../protocol/client-messages.js';
import type { Payload, ServerMessage } from '../protocol/index.js';
import { encodeBody } from '../protocol/payload-codec.js';
import { payloadOf } from '../protocol/server-messages.js';
import * as MessageType from '../protocol/type-bytes.js';
import { callSafely, Listeners, type ClientEvents, type Emit } from './client-events.js';
import { resolveOptions, type ClientOptions, type ResolvedClientOptions } from './client-options.js';
import type { ClientSession } from './client-session.js';
import { Connector, type ClientStatus } from './connector.js';
import type { ClientConnection } from './connection.js';
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
import { startOperation, type Operation, type OperationOptions } from './operation.js';
import type { AbortSignalLike } from './platform.js';
import { receivedPayload, type ReceivedPayload } from './received-payload.js';
import { createRequests } from './requests.js';
import { Sessions, type Ask } from './sessions.js';

/** How to connect. */
export interface ConnectOptions {
  /** Gives up when it is aborted: with a `CanceledError`, whose `cause` is the reason of the signal. */
  signal?: AbortSignalLike | undefined;
  /**
   * Whether an attempt that fails is followed by others, after the delays of the option `reconnect`.
   * @default false
   */
  retry?: boolean | undefined;
}

type SignalHandler = (payload: ReceivedPayload, name: string) => unknown;
type EventListener = (event: never) => unknown;

/** Under this name are the handlers of all signals: no signal has it. */
const ALL = undefined;

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
  readonly #requests = createRequests();
  readonly #sessions: Sessions;
  readonly #signalHandlers = new Listeners<SignalHandler>();
  readonly #eventListeners = new Listeners<EventListener>();
  #unsettled = 0;
  #closing: Promise<void> | undefined;

  /**
   * Makes a client, which does not connect yet.
   * @param url Of the server, `ws:` or `wss:`; in web pages it may be relative, where browsers let it be `http:` or `https:`.
   * @throws InvalidOptionError
   */
  constructor(url: string | { readonly href: string }, options: ClientOptions = {}) {
    this.#options = resolveOptions(url, options);
    this.#sessions = new Sessions(this.#options, {
      emit: this.#emit,
      asker: () => this.#connector.connection && this.#askerOn(this.#connector.connection),
      isBusy: () => this.#requests.count() > 0,
    });
    this.#connector = new Connector(this.#options, {
      emit: this.#emit,
      prepare: (connection) => this.#sessions.prepare(this.#askerOn(connection)),
      connected: () => this.#sessions.connected(),
      received: (message) => this.#receive(message),
      lost: (error) => {
        this.#sessions.lost();
        this.#requests.fail(error);
      },
    });
  }

  /** The state of the client. */
  get status(): ClientStatus {
    return this.#connector.status;
  }

  /**
   * The session, a snapshot; `null` if there is none. While there is no connection it is the last one's, which the next
   * connection restores.
   */
  get session(): ClientSession | null {
    return this.#sessions.current;
  }

  /** How many requests have neither a reply nor failed yet, those included that wait for a connection. */
  get pendingRequests(): number {
    return this.#unsettled;
  }

  /** Bytes that were sent and still wait for the network: a program that sends a lot of signals should watch it, and wait. */
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
    const connecting = startOperation({ signal }, Infinity);
    this.#connector.enter({
      operation: connecting,
      isPatient: retry,
      isUrgent: true,
      ready: () => connecting.resolve(),
    });
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
    const message = encodeRequest(name, encodeBody(body, this.#options.codec));
    return this.#ask(options)(message, (reply) => this.#received(reply)) as Promise<Reply<Api, Name>>;
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
    const message = encodeSignal(name, encodeBody(body, this.#options.codec));
    const signal = this.#start(options);
    this.#enter(signal, (connection) => {
      connection.send(message);
      signal.resolve();
    });
    await signal.promise;
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
    return this.#signalHandlers.add(args.length > 1 ? args[0] : ALL, args.at(-1) as SignalHandler);
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
    return this.#sessions.restore(key, this.#ask(options));
  }

  /**
   * Closes the session on this connection, and forgets it. Does nothing if there is none. The server destroys a session
   * that is closed on its last connection.
   * @throws Error as `request()` does; then the session is still there.
   */
  async closeSession(options: OperationOptions = {}): Promise<void> {
    await this.#sessions.close(this.#ask(options));
  }

  /**
   * Closes the client for good: no more requests are taken, those that wait for a connection fail, those that were sent are
   * waited for, each within its own timeout; then the connection is closed, with code 1000. The session stays, to be
   * restored by another client. Calling it twice is harmless.
   */
  close(): Promise<void> {
    const close = async () => {
      this.#sessions.stop();
      this.#connector.stop();
      await this.#requests.finished();
      await this.#connector.end();
    };
    return (this.#closing ??= close());
  }

  #ask(options: OperationOptions): Ask {
    return async <Result>(message: Uint8Array<ArrayBuffer>, read: (reply: Payload) => Result) => {
      const request = this.#start<Result>(options);
      this.#unsettled++;
      try {
        this.#enter(request, (connection) => this.#requests.send(connection, message, request, read));
        return await request.promise;
      } finally {
        this.#unsettled--;
      }
    };
  }

  /** Requests that restore sessions: they go out before those that wait for the connection, and count for nothing. */
  #askerOn(connection: ClientConnection): Ask {
    return async <Result>(message: Uint8Array<ArrayBuffer>, read: (reply: Payload) => Result) => {
      const request = startOperation<Result>({}, this.#options.dialTimeout);
      this.#requests.send(connection, message, request, read);
      return request.promise;
    };
  }

  #enter<Result>(operation: Operation<Result>, ready: (connection: ClientConnection) => void): void {
    this.#connector.enter({ operation, isPatient: this.#options.reconnect, isUrgent: false, ready });
  }

  #start<Result = void>(options: OperationOptions): Operation<Result> {
    return startOperation(options, this.#options.requestTimeout);
  }

  #receive(message: ServerMessage): void {
    const { type } = message;
    if (type === MessageType.SessionCreated) this.#sessions.created(message.session);
    else if (type === MessageType.SessionClosed) this.#sessions.closed();
    else if ('name' in message) {
      this.#connector.prove();
      this.#handleSignal(message.name, payloadOf(message));
    } else if ('id' in message) {
      this.#connector.prove();
      this.#requests.settle(message);
    }
  }

  #handleSignal(name: string, payload: Payload): void {
    const report = (error: unknown) => this.#emit('error', { error });
    for (const handler of this.#signalHandlers.of(name, ALL)) {
      callSafely(() => handler(this.#received(payload), name), report);
    }
  }

  #received(payload: Payload): ReceivedPayload {
    return receivedPayload(payload, this.#options.codec);
  }

  readonly #emit: Emit = (name, event) => {
    const listeners = this.#eventListeners.of(name) as ((event: object) => unknown)[];
    if (name === 'error' && listeners.length === 0) console.error((event as ClientEvents['error']).error);
    // An error that a listener of errors throws must not come back to it.
    const report = (error: unknown) => (name === 'error' ? console.error(error) : this.#emit('error', { error }));
    for (const listener of listeners) callSafely(() => listener(event), report);
  };
}
