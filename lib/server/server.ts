import type { AddressInfo } from 'node:net';
import { DiagnosticsEmitter } from '../common/diagnostics-emitter.js';
import { stackOf, type ServerLogger } from '../common/logger.js';
import { encodeMessage, MessageType, PROTOCOL_MAJOR_VERSION, PROTOCOL_MINOR_VERSION } from '../protocol/index.js';
import { plainCodec, type PayloadCodec } from '../protocol/payload-codec.js';
import type { SessionService } from '../session/session-service.js';
import { ConnectionsPerAddress } from './addresses/connections-per-address.js';
import { Admission } from './admission.js';
import type { ConnectionCallbacks } from './connection-closer.js';
import { WebwireConnection } from './connection.js';
import type { DisconnectReason } from './disconnect-reason.js';
import { Drain } from './drain.js';
import { Message } from './message.js';
import type { Groups } from './groups.js';
import { HandshakeRejection, type Handshake } from './handshake.js';
import { LivenessMonitor } from './liveness-monitor.js';
import { addMovedServerMembers } from './moved-server-members.js';
import type { Dispatcher } from './ports/dispatcher.js';
import type { TransportConnection, TransportHandlers, ConnectionRequest } from './ports/transport-connection.js';
import { runGuarded } from './run-guarded.js';
import type { ServerContext } from './server-context.js';
import type { WebwireServerEvents } from './server-events.js';
import type { Work } from './waiting-messages.js';
import type { ResolvedServerOptions } from './server-options.js';
import { MessageTracer } from './tracing/message-tracer.js';

/** Accepts connections for a server: made by a transport. */
export interface Listener {
  /** Address on which clients connect, which becomes `server.address`; `null` while nothing listens. */
  readonly address: AddressInfo | string | null;
  /** Stops listening, normally after the server has shut down. Connections that are still open stay open. */
  close(): Promise<void>;
}

/**
 * A WebWire server: the handlers of the gateways at one port and path, and the connections to them. Gateways get it with
 * `@WebSocketServer()`.
 */
export class WebwireServer extends DiagnosticsEmitter<WebwireServerEvents> {
  static {
    addMovedServerMembers(this.prototype);
  }

  /** The options in force. */
  readonly options: ResolvedServerOptions;
  /** Encodes the signals of the server. @internal */
  readonly codec: PayloadCodec;

  readonly #logger: ServerLogger;
  readonly #acceptConf: Uint8Array;
  readonly #groups: Groups<WebwireConnection>;
  readonly #connections = new Set<WebwireConnection>();
  /** Calls of `handleConnection` that are pending. */
  readonly #connecting = new Map<WebwireConnection, Promise<void>>();
  readonly #perAddress: ConnectionsPerAddress;
  readonly #admission: Admission;
  readonly #liveness: LivenessMonitor;
  readonly #drain: Drain;
  #context: ServerContext<WebwireConnection> | undefined;
  #listener: Listener | undefined;
  #shutdown: Promise<void> | undefined;
  #isStopped = false;

  readonly #callbacks: ConnectionCallbacks<WebwireConnection> = {
    violation: (connection, error) => this.emitEvent('violation', () => ({ connection, error })),
    limit: (connection, message) => this.emitEvent('limit', () => ({ connection, ...eventOf(message) })),
    drop: (connection, bufferedAmount) => this.emitEvent('drop', () => ({ connection, bufferedAmount })),
    closed: (connection, reason) => this.#remove(connection, reason),
  };

  /** Made by the adapter, for the gateways of one port and path. @internal */
  constructor(
    options: ResolvedServerOptions,
    logger: ServerLogger,
    groups: Groups<WebwireConnection>,
    codec: PayloadCodec = plainCodec,
  ) {
    super({ owner: 'server', channels: 'nestjs-webwire', logger: () => logger });
    this.options = options;
    this.codec = codec;
    this.#logger = logger;
    this.#groups = groups;
    this.#drain = new Drain(this.#connections, options.shutdownTimeout, logger);
    this.#perAddress = new ConnectionsPerAddress(options.maxConnectionsPerAddress, logger);
    const authorize = (handshake: Handshake) => this.#authorize(handshake);
    this.#admission = new Admission(options, this.#connections, this.#perAddress, authorize);
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

  /** Address on which the server listens, or that of the HTTP server that it shares; `null` while it does not listen. */
  get address(): AddressInfo | string | null {
    return this.#listener?.address ?? null;
  }

  /**
   * The state of the server: `starting` until it accepts connections, `listening`, `draining` from the beginning of a shutdown
   * on, `stopped` after it.
   */
  get status(): 'starting' | 'listening' | 'draining' | 'stopped' {
    if (this.#isStopped) return 'stopped';
    if (this.isDraining) return 'draining';
    return this.#admission.closedReason === undefined ? 'listening' : 'starting';
  }

  /** The open connections, including those that are closing. */
  get connections(): Iterable<WebwireConnection> & { readonly size: number } {
    return this.#connections;
  }

  /**
   * Shuts down (docs/PROTOCOL.md, section 8): refuses new connections and requests, lets running handlers finish and
   * reply, closes the connections with code 1001, and waits for connection hooks. Further calls return the same promise.
   *
   * Do not await it in a handler: the shutdown waits for the handler, until `shutdownTimeout`.
   *
   * After `shutdownTimeout` it closes the connections that are still open with the same code, and gives clients and
   * disconnect hooks up to four seconds more.
   *
   * @returns Resolves when the shutdown is complete, or the time is over; never rejects.
   */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.#shutDown();
    return this.#shutdown;
  }

  /**
   * For transports: decides whether a client may connect. The client may have to wait for the decision.
   *
   * @param request The upgrade request, or an equivalent of the transport; handshake guards get this object.
   * @param remoteAddress IP address of the peer; `undefined` if the transport has none.
   * @param connect Called if the client may connect, during the call or later. It has to open the transport connection and
   *   pass it to `accept()` before it returns. If the client has gone meanwhile, it returns without doing so.
   * @returns Rejects with a HandshakeRejection, and no other error, if the client must not connect.
   */
  async admit(
    request: ConnectionRequest,
    remoteAddress: string | undefined,
    connect: (handshake: Handshake) => void,
  ): Promise<void> {
    try {
      await this.#admission.admit(request, remoteAddress, connect);
    } catch (error) {
      const rejection =
        error instanceof HandshakeRejection ? error : new HandshakeRejection(500, 'internal server error');
      if (rejection !== error) this.#logger.error('A handshake failed', stackOf(error));
      this.reportRefusal(request, rejection);
      throw rejection;
    }
  }

  /** For transports: emits the event `refusal` for a client that the transport rejects without calling `admit()`. */
  reportRefusal(request: ConnectionRequest, { status, message }: HandshakeRejection): void {
    this.emitEvent('refusal', () => ({ request, status, reason: message }));
  }

  /**
   * For transports: takes over an open transport connection.
   * @param handshake The argument of `connect` in `admit()`.
   * @returns The handlers that the transport has to call for the events of the transport connection.
   */
  accept(transportConnection: TransportConnection, handshake: Handshake): TransportHandlers {
    const context = this.#context!;
    const connection = new WebwireConnection(context, this.#callbacks, transportConnection, handshake);
    this.#connections.add(connection);
    this.#perAddress.add(connection.ip);
    this.#liveness.update();
    connection.open(this.#acceptConf);
    this.emitEvent('connection', () => ({ connection }));
    this.#drain.hookStarted();
    const connecting = runGuarded(
      this.#logger,
      'handleConnection',
      () => context.dispatcher.connected(connection),
      () => {
        this.#connecting.delete(connection);
        this.#drain.hookEnded();
      },
    );
    if (connecting) this.#connecting.set(connection, connecting);
    return connection;
  }

  /** Sets the handlers, and the sessions, `null` if they are off. Has to precede `start()`. @internal */
  serve(dispatcher: Dispatcher<WebwireConnection>, sessions: SessionService | null): void {
    const { options, codec } = this;
    const { activeHandlers } = this.#drain;
    const tracer = new MessageTracer<WebwireServer, WebwireConnection>(this, dispatcher);
    this.#context = { options, codec, logger: this.#logger, dispatcher, sessions, activeHandlers, tracer };
  }

  /** @internal */
  attach(listener: Listener): void {
    this.#listener = listener;
  }

  /** Accepts connections from now on. @internal */
  start(): void {
    if (!this.isDraining) this.#admission.closedReason = undefined;
  }

  /** True if a shutdown has begun. @internal */
  get isDraining(): boolean {
    return this.#drain.activeHandlers.isDraining;
  }

  /** A handshake guard may still run after `handshakeTimeout`, so that a shutdown waits for it as for a hook. */
  #authorize(handshake: Handshake): Promise<void> | undefined {
    const { dispatcher } = this.#context!;
    if (!dispatcher.authorize) return undefined;
    this.#drain.hookStarted();
    return dispatcher.authorize(handshake).finally(this.#drain.hookEnded);
  }

  #remove(connection: WebwireConnection, reason: DisconnectReason): void {
    this.#drain.hookStarted();
    this.#connections.delete(connection);
    this.#perAddress.remove(connection.ip);
    this.#liveness.update();
    this.#groups.leaveAll(connection);
    this.emitEvent('disconnection', () => ({ connection, reason }));
    const { dispatcher } = this.#context!;
    const disconnect = () =>
      runGuarded(
        this.#logger,
        'handleDisconnect',
        () => dispatcher.disconnected(connection, reason),
        this.#drain.hookEnded,
      );
    // `handleDisconnect` may use values that `handleConnection` sets.
    const connecting = this.#connecting.get(connection);
    if (connecting) void connecting.then(disconnect);
    else void disconnect();
  }

  async #shutDown(): Promise<void> {
    const { activeHandlers } = this.#drain;
    activeHandlers.isDraining = true;
    this.#admission.closedReason = 'server shutting down';
    this.emitEvent('drain', () => ({ running: activeHandlers.running, connections: this.#connections.size }));
    const isComplete = await this.#drain.run(this.#context?.sessions ?? null);
    this.#isStopped = true;
    this.emitEvent('shutdown', () => ({ isComplete }));
  }
}

/** The kind and the name of a message for an event. */
function eventOf(message: Work): { kind: 'request' | 'signal' | 'session'; name: string } {
  if (!(message instanceof Message)) return { kind: 'session', name: '' };
  return { kind: message.isRequest ? 'request' : 'signal', name: message.name };
}
