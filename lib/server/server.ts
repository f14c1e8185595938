import type { AddressInfo } from 'node:net';
import { encodeMessage, MessageType, PROTOCOL_MAJOR_VERSION, PROTOCOL_MINOR_VERSION } from '../protocol/index.js';
import { plainCodec, type PayloadCodec } from '../protocol/payload-codec.js';
import type { SessionService } from '../session/session-service.js';
import { Admission, type AdmissionHost } from './admission.js';
import { AsyncScope } from './async-scope.js';
import type { TransportConnection, TransportHandlers, ConnectionRequest } from './ports/transport-connection.js';
import type { ConnectionHost } from './connection-host.js';
import { WebwireConnection } from './connection.js';
import type { Dispatcher } from './ports/dispatcher.js';
import type { Groups } from './groups.js';
import { HandshakeRejection, type Handshake } from './handshake.js';
import { LivenessMonitor } from './liveness.js';
import { stackOf, type ServerLogger } from '../common/logger.js';
import { ServerEvents } from './server-events.js';
import type { ResolvedServerOptions } from './server-options.js';
import { ActiveHandlers } from './active-handlers.js';

/** How the connections of a server end that shuts down. */
const SHUTDOWN = { code: 1001, text: 'server shutting down', reason: 'shutdown' } as const;

/**
 * When `shutdownTimeout` has passed, in milliseconds: how long clients may take to close, and how long disconnect hooks may
 * take after that.
 */
const CUT_TIMEOUT = 2_000;

/** Where a server's connections come from, as its transport reports it. */
export interface Listener {
  /** Where clients connect to, which is `server.address` then; `null` while nothing listens. */
  readonly address: AddressInfo | string | null;
  /** Stops listening, after the server has shut down as a rule. Connections that are still open stay so. */
  close(): Promise<void>;
}

/**
 * A WebWire server: one namespace of handlers at one port and path, and the connections to it. Gateways get it
 * with `@WebSocketServer()`.
 */
export class WebwireServer extends ServerEvents {
  readonly #acceptConf: Uint8Array;
  readonly #groups: Groups<WebwireConnection>;
  readonly #connections = new Set<WebwireConnection>();
  /** Promises of `handleConnection` that are pending. */
  readonly #connecting = new Map<WebwireConnection, Promise<void>>();
  readonly #admission: Admission;
  readonly #liveness: LivenessMonitor;
  #host: ConnectionHost | undefined;
  readonly #activeHandlers = new ActiveHandlers(() => this.#onChange?.());
  #isStarted = false;
  #pending = 0;
  #listener: Listener | undefined;
  #shutdown: Promise<void> | undefined;
  #onChange: (() => void) | undefined;

  /** Made by the adapter, for the gateways of one port and path. */
  constructor(
    /** The options in force. */
    readonly options: ResolvedServerOptions,
    logger: ServerLogger,
    groups: Groups<WebwireConnection>,
    /** Encodes its signals. @internal */
    readonly codec: PayloadCodec = plainCodec,
  ) {
    super(logger);
    this.#groups = groups;
    this.#admission = new Admission(this.#admissionHost());
    this.#liveness = new LivenessMonitor(options.readTimeout, this.#connections);
    this.#acceptConf = encodeMessage({
      type: MessageType.AcceptConf,
      majorVersion: PROTOCOL_MAJOR_VERSION,
      minorVersion: PROTOCOL_MINOR_VERSION,
      readTimeout: options.readTimeout,
      messageBufferSize: options.messageBufferSize,
      subProtocolName: options.subProtocolName,
    });
  }

  /** Address it listens on (that of the HTTP server it shares, if it does); `null` while it does not listen. */
  get address(): AddressInfo | string | null {
    return this.#listener?.address ?? null;
  }

  /** The open connections, those that are closing included. */
  get connections(): Iterable<WebwireConnection> & { readonly size: number } {
    return this.#connections;
  }

  /**
   * Shuts down (PROTOCOL.md, section 8): refuses new connections and requests, lets running handlers finish and
   * reply, closes the connections with code 1001, and waits for connection hooks. Calling it again
   * waits for the same shutdown.
   *
   * It waits for handlers, so a handler that awaits it waits for itself, until `shutdownTimeout`: do not await it there.
   *
   * After `shutdownTimeout` it closes what is still open with the same code, and gives clients and disconnect hooks up to
   * four seconds more.
   *
   * @returns Resolves when all is done, or no longer waited for; never rejects.
   */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.#drain();
    return this.#shutdown;
  }

  /**
   * For transports: asks whether a client may connect, who may have to wait for the answer.
   *
   * @param request The upgrade request, or what the transport has in its place; handshake guards get it as it is.
   * @param remoteAddress IP address of the peer, if there is one.
   * @param connect Called if the client may connect, within the call or later. It has to open the transport connection and to `accept`
   *   it before it returns; it just returns if the client has gone meanwhile.
   * @returns Rejects with a HandshakeRejection if the client must not connect, and with nothing else.
   */
  async admit(
    request: ConnectionRequest,
    remoteAddress: string | undefined,
    connect: (handshake: Handshake) => void,
  ): Promise<void> {
    try {
      await this.#admission.admit(request, remoteAddress, connect);
    } catch (error) {
      const refusal =
        error instanceof HandshakeRejection ? error : new HandshakeRejection(500, 'internal server error');
      if (refusal !== error) this.logger.error('A handshake failed', stackOf(error));
      this.reportRefusal(request, refusal);
      throw refusal;
    }
  }

  /** For transports: emits the event `refusal` for a client that the transport itself refuses, before it asks `admit`. */
  reportRefusal(request: ConnectionRequest, { status, message }: HandshakeRejection): void {
    this.emitEvent('refusal', () => ({ request, status, reason: message }));
  }

  /**
   * For transports: takes over a transport connection that is up.
   * @param handshake The one with which the client was admitted.
   * @returns What the transport has to tell of the transport connection from now on.
   */
  accept(transportConnection: TransportConnection, handshake: Handshake): TransportHandlers {
    const connection = new WebwireConnection(this.#host!, transportConnection, handshake);
    this.#connections.add(connection);
    this.#liveness.update();
    connection.open(this.#acceptConf);
    this.emitEvent('connection', () => ({ connection }));
    this.#pending++;
    const connecting = this.#guard(
      'handleConnection',
      () => this.#host!.dispatcher.connected(connection),
      () => {
        this.#connecting.delete(connection);
        this.#hookDone();
      },
    );
    if (connecting) this.#connecting.set(connection, connecting);
    return connection;
  }

  /** Gives it what is to be done with its messages. @internal */
  serve(dispatcher: Dispatcher, sessions: SessionService | null): void {
    this.#host = this.#createHost(dispatcher, sessions);
  }

  /** @internal */
  attach(listener: Listener): void {
    this.#listener = listener;
  }

  /** Connections are accepted from now on. @internal */
  start(): void {
    this.#isStarted = true;
  }

  /** Whether a shutdown has begun. @internal */
  get isDraining(): boolean {
    return this.#activeHandlers.isDraining;
  }

  #admissionHost(): AdmissionHost {
    const connections = this.#connections;
    const closedBecause = () => {
      if (this.#activeHandlers.isDraining) return 'server shutting down';
      return this.#isStarted ? undefined : 'server starting';
    };
    return {
      options: this.options,
      get size() {
        return connections.size;
      },
      get closedBecause() {
        return closedBecause();
      },
      authorize: (handshake) => this.#authorize(handshake),
    };
  }

  /** A guard that is given up on may still run: a shutdown waits for it. */
  #authorize(handshake: Handshake): Promise<void> | undefined {
    const { dispatcher } = this.#host!;
    if (!dispatcher.authorize) return undefined;
    this.#pending++;
    return dispatcher.authorize(handshake).finally(this.#hookDone);
  }

  #createHost(dispatcher: Dispatcher, sessions: SessionService | null): ConnectionHost {
    const { messageBufferSize, maxBufferedAmount } = this.options;
    return {
      messageBufferSize,
      maxBufferedAmount,
      codec: this.codec,
      dispatcher,
      sessions,
      logger: this.logger,
      activeHandlers: this.#activeHandlers,
      violated: (connection, error) => this.emitEvent('violation', () => ({ connection, error })),
      dropped: (connection, bufferedAmount) => this.emitEvent('drop', () => ({ connection, bufferedAmount })),
      left: (connection, reason) => {
        this.#pending++;
        this.#connections.delete(connection);
        this.#liveness.update();
        this.#groups.leaveAll(connection);
        this.emitEvent('disconnection', () => ({ connection, reason }));
        const leave = () =>
          this.#guard('handleDisconnect', () => dispatcher.disconnected(connection, reason), this.#hookDone);
        // What `handleConnection` registers, `handleDisconnect` has to find.
        const connecting = this.#connecting.get(connection);
        if (connecting) void connecting.then(leave);
        else void leave();
      },
      guard: (subject, run, done) => void this.#guard(subject, run, done),
    };
  }

  readonly #hookDone = (): void => {
    this.#pending--;
    this.#onChange?.();
  };

  async #drain(): Promise<void> {
    const activeHandlers = this.#activeHandlers;
    activeHandlers.isDraining = true;
    this.emitEvent('drain', () => ({ running: activeHandlers.running, connections: this.#connections.size }));
    for (const connection of this.#connections) connection.refuseWaiting();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#onChange?.();
    }, this.options.shutdownTimeout);
    await this.#until(() => isLate || activeHandlers.running === 0);
    for (const connection of this.#connections) {
      connection.refuseWaiting();
      connection.end(SHUTDOWN);
    }
    await this.#until(() => isLate || (this.#connections.size === 0 && this.#pending === 0));
    // Sessions may be closed by others than connections; their store is still there.
    let isSettled = false;
    const sessions = this.#host?.sessions;
    void sessions?.settled().finally(() => {
      isSettled = true;
      this.#onChange?.();
    });
    await this.#until(() => isLate || isSettled || !sessions);
    clearTimeout(timer);
    if (isLate) await this.#cutShort();
    this.emitEvent('shutdown', () => ({ isComplete: !isLate }));
  }

  /** Closes the connections on which handlers still run, and waits a little for their clients and disconnect hooks. */
  async #cutShort(): Promise<void> {
    this.logger.warn(
      `Shutdown did not finish within ${this.options.shutdownTimeout} ms: ${this.#activeHandlers.running} handlers still run, ` +
        `${this.#pending} connection hooks are pending, ${this.#connections.size} connections are cut`,
    );
    if (this.#connections.size === 0) return;
    for (const connection of this.#connections) connection.cut(SHUTDOWN);
    let isOver = false;
    const terminating = setTimeout(() => {
      for (const connection of this.#connections) connection.terminate();
    }, CUT_TIMEOUT);
    const givingUp = setTimeout(() => {
      isOver = true;
      this.#onChange?.();
    }, 2 * CUT_TIMEOUT);
    await this.#until(() => isOver || (this.#connections.size === 0 && this.#pending === 0));
    clearTimeout(terminating);
    clearTimeout(givingUp);
  }

  /** Only the drain waits, one condition after the other. */
  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = () => {
        if (condition()) resolve();
      };
      this.#onChange();
    });
  }

  /** @returns A promise that resolves when it is done, if it is asynchronous. */
  #guard(subject: string, run: () => void | Promise<void>, done?: () => void): Promise<void> | undefined {
    const fail = (error: unknown) => this.logger.error(`${subject} failed`, stackOf(error));
    let result: void | Promise<void> = undefined;
    try {
      // Values that the application puts into an AsyncLocalStorage there are not seen by later events of the connection.
      result = new AsyncScope().runInAsyncScope(run);
    } catch (error) {
      fail(error);
    }
    if (result instanceof Promise) return result.catch(fail).finally(done);
    done?.();
    return undefined;
  }
}
