import type { ContractReader } from '../contract/contract-reader.js';
import { encodeClientSignal, encodeRequest } from '../protocol/client-messages.js';
import { assertUnreserved, RESERVED_PREFIX } from '../protocol/extensions.js';
import type { Payload, ServerMessage } from '../protocol/index.js';
import { encodeBody } from '../protocol/payload-codec.js';
import { payloadOf } from '../protocol/server-messages.js';
import * as MessageType from '../protocol/type-bytes.js';
import { callSafely, createEmit, Listeners, type ClientEvents } from './client-events.js';
import {
  resolveOptions,
  type ClientOptions,
  type ContractOptions,
  type ResolvedClientOptions,
} from './client-options.js';
import type { ClientSession } from './client-session.js';
import { ConnectHook } from './connect-hook.js';
import { closedError } from './connection.js';
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
  StreamArguments,
  StreamItem,
  StreamName,
} from './contract.js';
import { startOperation, type Operation, type OperationOptions } from './operation.js';
import { checkOptions } from './option-rules.js';
import { Outgoing } from './outgoing.js';
import { onPageEvents, type AbortSignalLike } from './platform.js';
import { receivedPayload, type ReceivedPayload } from './received-payload.js';
import { createRequests } from './requests.js';
import { Sessions } from './sessions.js';
import { iterateSignals, SIGNALS_RULES, type SignalsOptions } from './signal-queue.js';
import { Snapshots, type ClientSnapshot } from './snapshot.js';
import type { ClientUrl, Fresh } from './target.js';
import { readStream, STREAM_RULES, type ItemReceiver, type OpenStream, type StreamOptions } from './streams.js';

/** Options of `connect()`. */
export interface ConnectOptions {
  /** When it is aborted, `connect()` rejects with a `CanceledError`, whose `cause` is the reason of the signal. */
  signal?: AbortSignalLike | undefined;
  /**
   * Tries again after a failed attempt, with the delays of the option `reconnect`.
   * @default false
   */
  retry?: boolean | undefined;
}

/** All options of a `WebwireClient`. */
export interface WebwireClientOptions<Api extends Contract = AnyContract> extends ClientOptions, ContractOptions<Api> {
  /**
   * Called for each new connection when its session is restored, before requests and signals that wait are sent: for example to sign
   * in, or to join a room. `connect()` and the event `connected` wait for the promise that it returns.
   *
   * The requests and signals that it makes itself, with the client that it is given, are sent at once. With another reference to
   * the client, only those before its first `await` are: later ones wait for the function, and the function for them.
   *
   * If it throws, rejects, or takes longer than `dialTimeout`, the attempt to connect has failed, with a `DisconnectedError` whose
   * `cause` is its error.
   * @default none
   */
  onConnect?: ((client: WebwireClient<Api>) => unknown) | undefined;
}

type SignalHandler = (payload: ReceivedPayload, name: string) => unknown;

/** Events of a web page after which a connection may be lost, or possible again. */
const WAKING_EVENTS = ['online', 'offline', 'pageshow', 'visibilitychange'];

/** The name of handlers for all signals. */
const ANY_NAME = undefined;

/**
 * A client of a WebWire server.
 *
 * It connects when `connect()` is called or, unless `reconnect` is `false`, when a request or a signal is to be sent. Then it
 * replaces a lost connection, until `disconnect()` or `close()` is called.
 *
 * @typeParam Api Types of the server's requests and signals: see `Contract`. The option `contract` gives them, too.
 * @example
 * const client = new WebwireClient('ws://localhost:3000');
 * const reply = await client.request('greet', 'Ada');
 * console.log(reply.text());
 */
export class WebwireClient<Api extends Contract = AnyContract> {
  readonly #options: ResolvedClientOptions;
  readonly #connector: Connector;
  readonly #requests = createRequests();
  /** The open streams by the name of their signals. */
  readonly #streams = new Map<string, ItemReceiver>();
  readonly #sessions: Sessions;
  /** Validates what arrives; `undefined` without a contract. */
  readonly #reader: ContractReader | undefined;
  readonly #signalHandlers = new Listeners<SignalHandler>();
  readonly #listeners = new Listeners<(event: never) => unknown>();
  readonly #emit = createEmit(this.#listeners);
  /** The iterations of `signals()` that are not over. */
  readonly #iterations = new Set<Operation>();
  readonly #snapshots = new Snapshots(
    () => ({ status: this.status, session: this.session, error: this.#connector.lastError }),
    (error) => this.#emit('error', { error }),
  );
  readonly #hook: ConnectHook;
  readonly #outgoing: Outgoing;
  readonly #stopWatching: () => void;
  #closing: Promise<void> | undefined;

  /**
   * Makes a client. It does not connect yet.
   * @param url URL of the server: `ws:` or `wss:`, also `http:` or `https:`; in web pages it may be relative. Or a function that
   *   returns it, also as a promise, for a token that expires: it is called before each attempt to connect, within `dialTimeout`. If
   *   it fails or returns an invalid URL, the attempt has failed.
   * @throws InvalidOptionError for an invalid URL or option.
   */
  constructor(url: Fresh<ClientUrl>, options: WebwireClientOptions<Api> = {}) {
    this.#options = resolveOptions(url, options);
    this.#reader = this.#options.contract?.['~reader']();
    this.#hook = new ConnectHook(this.#options, () => this.#connector.connection);
    this.#sessions = new Sessions(this.#options, {
      emit: this.#emit,
      changed: () => this.#snapshots.changed(),
      sender: () => {
        const connection = this.#hook.connection ?? this.#connector.connection;
        return connection && this.#outgoing.sessionRequester(connection);
      },
      requestsSettled: this.#requests.finished,
    });
    this.#connector = new Connector(this.#options, {
      emit: this.#emit,
      changed: () => this.#snapshots.changed(),
      prepare: async (connection) => {
        const send = this.#outgoing.sessionRequester(connection);
        await this.#sessions.prepare(send);
        await this.#hook.run(this, connection);
        return this.#sessions.update(send);
      },
      connected: () => this.#sessions.connected(),
      received: (message) => this.#receive(message),
      requestsSettled: this.#requests.finished,
      lost: (error) => {
        this.#sessions.lost();
        this.#requests.fail(error);
        this.#hook.lost(error);
      },
    });
    this.#outgoing = new Outgoing(this.#options, this.#requests, this.#hook, this.#connector, this.#emit);
    this.#stopWatching = onPageEvents(WAKING_EVENTS, () => this.#connector.wake());
  }

  /** The state of the client. */
  get status(): ClientStatus {
    return this.#connector.status;
  }

  /** URL of the server, without user name, password and query. Empty before the first attempt to connect if it is a function. */
  get url(): string {
    const { target } = this.#options;
    return target.location && target.url.shown;
  }

  /**
   * The session, or `null`. While the client reconnects, it is the session of the last connection, which the client will restore.
   * The object is immutable: when the session changes, this property returns another one.
   */
  get session(): ClientSession | null {
    return this.#sessions.current;
  }

  /** Number of requests that have not settled, including those that wait for a connection. */
  get pendingRequests(): number {
    return this.#outgoing.pendingRequests;
  }

  /**
   * Number of bytes that were passed to the WebSocket and not yet sent, without messages that the client holds back because the
   * server has not handled earlier ones. A program that sends many signals should await them: `signal()` resolves when its
   * message was passed on.
   */
  get bufferedAmount(): number {
    return this.#connector.bufferedAmount;
  }

  /**
   * Connects. Resolves after the server's version and sub-protocol were checked and the session, if there is one, was restored;
   * immediately if the client is already connected.
   *
   * It makes one attempt, or shares a running one, and rejects if the attempt fails. After that, the client makes no further
   * attempts, unless requests are waiting, a lost connection is being replaced, or `retry` is set.
   *
   * @throws DialTimeoutError if the server does not respond within `dialTimeout`.
   * @throws DisconnectedError if the connection fails, or the client is closed.
   * @throws IncompatibleProtocolVersionError, SubProtocolMismatchError if this client does not support the server.
   * @throws InvalidOptionError if the platform has no `WebSocket`, and the option `webSocket` is not set.
   * @throws ProtocolError if the server breaks the protocol.
   * @throws TimeoutError, ServerShutdownError if the server does not reply to the request to restore the session.
   * @throws CanceledError if the signal is aborted.
   */
  async connect({ signal, retry = false }: ConnectOptions = {}): Promise<void> {
    const connecting = startOperation({ signal }, Infinity);
    this.#outgoing.enter(connecting, () => connecting.resolve(), { canRetry: retry, isConnect: true });
    await connecting.promise;
  }

  /**
   * Ends the connection, or the attempt to connect, and makes no further attempts until `connect()` is called: until then, requests
   * and signals reject. Those that wait or are in flight reject with a `DisconnectedError`, and streams end with it. The session is
   * kept, and restored by `connect()`. After `close()` it does nothing.
   * @returns Resolves when the connection has ended, while `status` changes at once.
   */
  disconnect(): Promise<void> {
    return this.#connector.disconnect();
  }

  /**
   * Sends a request and resolves with its reply. For a stream, use `stream()`. Without a connection, the client connects and the request waits; with
   * `reconnect: false`, the request rejects instead. A request is never sent twice.
   *
   * @param name Up to 255 printable ASCII characters; empty for a nameless request.
   * @param body Encoded by the client's `codec`, except for `undefined` (an empty payload) and a `Payload`. With the default codec,
   *   a string is sent as UTF-8, a `Uint8Array` as binary, `null` as an empty payload, and other values as JSON.
   * @throws RequestError with code and message, if the handler of the server threw one.
   * @throws InternalServerError if the handler failed with another error.
   * @throws ServerShutdownError if the server shuts down and did not handle the request. Send it again: it waits for the next connection.
   * @throws TimeoutError, DeadlineExceededError, CanceledError according to the options. A later reply is ignored.
   * @throws DisconnectedError if the connection is lost. The server may or may not have handled the request.
   * @throws QueueFullError if `maxQueuedRequests` others already wait for a connection.
   * @throws BufferOverflowError if the message is larger than the server's message buffer; nothing is sent.
   * @throws ProtocolError for an invalid name, or if the server breaks the protocol before it replies.
   * @throws ContractError for a reply that does not fit the `contract`.
   * @throws TypeError for a body that cannot be encoded.
   */
  async request<Name extends RequestName<Api>>(
    name: Name,
    ...[body, options = {}]: RequestArguments<Api, Name, OperationOptions>
  ): Promise<Reply<Api, Name>> {
    const message = this.#encodeRequest(name, body);
    const trace = this.#outgoing.traceOf('request', name);
    const reply = await this.#outgoing.requester(options, trace)(message, (payload) => this.#received(payload));
    return this.#validated('request', name, reply) as Reply<Api, Name>;
  }

  /**
   * Opens a stream when its first item is requested. Without a connection, the client connects and the stream waits for it, at
   * most `requestTimeout`. The server sends items only as far as they are consumed. Leaving the loop gives the stream up. `return()`
   * takes effect when a pending `next()` has settled; abort `signal` to end the stream at once.
   *
   * @param name See `request()`.
   * @param body See `request()`.
   * @returns An AsyncIterable of the items: `for await (const item of client.stream('ticks')) …`. When the server has ended the
   *   stream, it ends, too. It throws the errors of `request()`; `TimeoutError` if no item comes within `idleTimeout`; and a
   *   `RequestError` with the code `EXTENSION_REQUIRED` if the server has no streams or replies as to a request, or
   *   `TOO_MANY_STREAMS`. An item that does not fit the `contract` ends it with a `ContractError`.
   * @throws ProtocolError for an invalid name; TypeError for a body that cannot be encoded; InvalidOptionError.
   */
  stream<Name extends StreamName<Api>>(
    name: Name,
    ...[body, options = {}]: StreamArguments<Api, Name, StreamOptions>
  ): AsyncGenerator<StreamItem<Api, Name>, undefined> {
    checkOptions(options, STREAM_RULES);
    const message = this.#encodeRequest(name, body);
    const trace = this.#outgoing.traceOf('stream', name);
    const { connection: preferred } = this.#hook;
    const open: OpenStream = (operation, opened) =>
      this.#hook.prefer(preferred, () =>
        this.#outgoing.enter(operation, (connection) => {
          connection.ask();
          this.#requests.send(connection, message, operation, (reply) => reply, trace);
          if (!operation.isSettled) opened(connection);
        }),
      );
    const read = (item: ReceivedPayload) => this.#validated('stream', name, item);
    return readStream(message, options, this.#options.requestTimeout, this.#streams, open, read) as AsyncGenerator<
      StreamItem<Api, Name>,
      undefined
    >;
  }

  /**
   * Sends a signal. Resolves when it was passed to the connection, as signals have no reply. Without a connection, the client
   * connects and the signal waits; with `reconnect: false`, the signal rejects instead. For name, body, options and errors, see
   * `request()`.
   */
  async signal<Name extends SignalName<Api>>(
    name: Name,
    ...[body, options = {}]: SignalArguments<Api, Name, OperationOptions>
  ): Promise<void> {
    assertUnreserved(name);
    const message = encodeClientSignal(name, encodeBody(body, this.#options.codec));
    await this.#outgoing.signal(message, options, this.#outgoing.traceOf('signal', name));
  }

  /**
   * Adds a handler for the server's signals with this name, or for all signals. If the handler throws or its promise rejects, the
   * client emits the event `error`; also for a signal that does not fit the `contract`, which is not delivered.
   * @returns A function that removes the handler.
   */
  onSignal<Name extends ServerSignalName<Api>>(
    name: Name,
    handler: (payload: SignalPayload<Api, Name>, name: Name) => unknown,
  ): () => void;
  onSignal(handler: (payload: ReceivedPayload, name: string) => unknown): () => void;
  onSignal(...args: unknown[]): () => void {
    return this.#signalHandlers.add(args.length > 1 ? args[0] : ANY_NAME, args.at(-1) as SignalHandler);
  }

  /**
   * Iterates over the server's signals with this name, across connections: `for await (const payload of client.signals('message')) …`.
   * They are collected from this call on. Leaving the loop ends the collection, and `close()` ends the iteration when those that wait
   * are taken. If the application takes them too slowly, the iteration ends with a `QueueFullError`: see `maxQueued`. For a signal
   * that does not fit the `contract`, see `onSignal()`.
   * @throws InvalidOptionError
   */
  signals<Name extends ServerSignalName<Api>>(
    name: Name,
    options: SignalsOptions = {},
  ): AsyncGenerator<SignalPayload<Api, Name>, undefined> {
    checkOptions(options, SIGNALS_RULES);
    const add = (handler: SignalHandler) => this.#signalHandlers.add(name, handler);
    const signals = iterateSignals(name, options, add, this.#iterations);
    if (this.#closing) this.#endIterations();
    return signals as AsyncGenerator<SignalPayload<Api, Name>, undefined>;
  }

  /**
   * Returns status, session and error as one object, which stays the same until one of them changes. With `subscribe`, it connects the
   * client to stores of any framework. Both functions may be passed on without the client.
   */
  readonly getSnapshot = (): ClientSnapshot => this.#snapshots.get();

  /**
   * Adds a listener that is called without arguments after `getSnapshot()` has changed, once for all changes of the same task.
   * @returns A function that removes the listener.
   */
  readonly subscribe = (listener: () => unknown): (() => void) => this.#snapshots.subscribe(listener);

  /**
   * Adds a listener for an event. If the listener throws or its promise rejects, the client emits the event `error`. Without a
   * listener for `error`, errors are written to `console.error()`.
   * @returns A function that removes the listener.
   */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => unknown): () => void {
    return this.#listeners.add(name, listener);
  }

  /**
   * Restores an existing session on this connection. It replaces the current session, if there is one.
   *
   * @param key Printable ASCII characters.
   * @throws SessionNotFoundError, MaxSessionConnectionsReachedError, SessionsDisabledError if the server cannot restore it.
   * @throws Errors of `request()`.
   */
  async restoreSession(key: string, options: OperationOptions = {}): Promise<ClientSession> {
    return this.#sessions.restore(key, this.#outgoing.requester(options));
  }

  /**
   * Closes the session on this connection and deletes its key. Does nothing without a session. The server destroys the session
   * when it is closed on its last connection.
   *
   * Without a connection, the client forgets the session at once, and closes it on the server at the next connection, before anything
   * else is sent. It connects for this purpose only if the URL is a function that was not called yet: the key is stored under the URL.
   * @throws Errors of `request()`; then the session is not closed.
   */
  async closeSession(options: OperationOptions = {}): Promise<void> {
    await this.#sessions.close(this.#outgoing.requester(options));
  }

  /**
   * Closes the client permanently. New requests, and those that wait for a connection, reject. Streams end with a
   * `DisconnectedError`. Requests in flight can finish within their timeouts; then the connection is closed with code 1000, and
   * the promise resolves. The session is not closed, and another client can restore it. Further calls return the same promise.
   */
  close(): Promise<void> {
    const close = async () => {
      this.#stopWatching();
      this.#sessions.stop();
      this.#connector.stop();
      for (const stream of this.#streams.values()) stream.fail(closedError());
      this.#endIterations();
      await this.#requests.finished();
      await this.#connector.end();
    };
    return (this.#closing ??= close());
  }

  #endIterations(): void {
    for (const iteration of this.#iterations) iteration.resolve();
  }

  #encodeRequest(name: string, body: unknown): Uint8Array<ArrayBuffer> {
    assertUnreserved(name);
    return encodeRequest(name, encodeBody(body, this.#options.codec));
  }

  #receive(message: ServerMessage): void {
    const { type } = message;
    if (type === MessageType.SessionCreated) this.#sessions.created(message.session);
    else if (type === MessageType.SessionClosed) this.#sessions.closed();
    else if ('name' in message) {
      const { name } = message;
      if (this.#options.extensions && name.startsWith(RESERVED_PREFIX))
        this.#streams.get(name)?.receive(this.#received(payloadOf(message)));
      else this.#handleSignal(name, payloadOf(message));
    } else if ('id' in message) this.#requests.receive(message);
  }

  #handleSignal(name: string, payload: Payload): void {
    const report = (error: unknown) => this.#emit('error', { error });
    const signal = this.#received(payload);
    const deliver = () => {
      for (const handler of this.#signalHandlers.of(name, ANY_NAME)) callSafely(() => handler(signal, name), report);
    };
    callSafely(() => (this.#reader ? this.#reader.signal(name, signal, deliver) : deliver()), report);
  }

  #validated(
    kind: 'request' | 'stream',
    name: string,
    payload: ReceivedPayload,
  ): ReceivedPayload | PromiseLike<ReceivedPayload> {
    return this.#reader ? this.#reader.read(kind, name, payload) : payload;
  }

  #received(payload: Payload): ReceivedPayload {
    return receivedPayload(payload, this.#options.codec);
  }
}
