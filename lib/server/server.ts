import type { AddressInfo } from 'node:net';
import { encodeMessage, MessageType, PROTOCOL_MAJOR_VERSION, PROTOCOL_MINOR_VERSION } from '../protocol/index.js';
import type { SessionHub } from '../session/session-hub.js';
import type { Carrier, CarrierListener, ConnectionRequest } from './carrier.js';
import type { ConnectionHost } from './connection-host.js';
import { WebwireConnection } from './connection.js';
import type { Dispatcher } from './dispatcher.js';
import { stackOf, type ServerLogger } from './logger.js';
import type { ResolvedServerOptions } from './server-options.js';

/** Where a server's connections come from, as its transport reports it. */
export interface Listener {
  /** Where clients connect to; `null` while nothing listens. */
  readonly address: AddressInfo | string | null;
  /** Stops listening. Connections that are open stay so. */
  close(): Promise<void>;
}

/** Why a new connection is refused. */
export type Refusal = 'server starting' | 'server shutting down';

/**
 * A WebWire server: one namespace of handlers at one port and path, and the connections to it. Gateways get it
 * with `@WebSocketServer()`.
 */
export class WebwireServer {
  /** The options in force. */
  readonly options: ResolvedServerOptions;

  readonly #acceptConf: Uint8Array;
  readonly #connections = new Set<WebwireConnection>();
  readonly #host: ConnectionHost;
  readonly #logger: ServerLogger;
  #isStarting = true;
  #running = 0;
  #pending = 0;
  #listener: Listener | undefined;
  #shutdown: Promise<void> | undefined;
  #onChange: (() => void) | undefined;

  /** Made by the adapter, for the gateways of one port and path. */
  constructor(
    options: ResolvedServerOptions,
    dispatcher: Dispatcher,
    logger: ServerLogger,
    sessions: SessionHub | null,
  ) {
    this.options = options;
    this.#logger = logger;
    this.#acceptConf = encodeMessage({
      type: MessageType.AcceptConf,
      majorVersion: PROTOCOL_MAJOR_VERSION,
      minorVersion: PROTOCOL_MINOR_VERSION,
      readTimeout: options.readTimeout,
      messageBufferSize: options.messageBufferSize,
      subProtocolName: options.subProtocolName,
    });
    this.#host = this.#createHost(dispatcher, sessions);
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
   * @returns Resolves when all is done, or after `shutdownTimeout`; never rejects.
   */
  shutdown(): Promise<void> {
    this.#shutdown ??= this.#drain();
    return this.#shutdown;
  }

  /** @internal */
  attach(listener: Listener): void {
    this.#listener = listener;
  }

  /** Connections are accepted from now on. @internal */
  start(): void {
    this.#isStarting = false;
  }

  /** Why a new connection would be refused just now, if it would. @internal */
  get refusal(): Refusal | undefined {
    if (this.#shutdown) return 'server shutting down';
    return this.#isStarting ? 'server starting' : undefined;
  }

  /** Takes over a carrier that is up. @internal */
  accept(carrier: Carrier, request: ConnectionRequest): CarrierListener {
    const connection = new WebwireConnection(this.#host, carrier, request);
    this.#connections.add(connection);
    connection.open(this.#acceptConf);
    this.#pending++;
    this.#guard('handleConnection', () => this.#host.dispatcher.connected(connection), this.#hookDone);
    return connection;
  }

  #createHost(dispatcher: Dispatcher, sessions: SessionHub | null): ConnectionHost {
    const isDraining = () => this.#shutdown !== undefined;
    return {
      messageBufferSize: this.options.messageBufferSize,
      dispatcher,
      sessions,
      logger: this.#logger,
      get isDraining() {
        return isDraining();
      },
      started: () => {
        this.#running++;
      },
      finished: () => {
        this.#running--;
        this.#onChange?.();
      },
      left: (connection, reason) => {
        this.#pending++;
        this.#connections.delete(connection);
        this.#guard('handleDisconnect', () => dispatcher.disconnected(connection, reason), this.#hookDone);
      },
      guard: (subject, run, done) => this.#guard(subject, run, done),
    };
  }

  readonly #hookDone = (): void => {
    this.#pending--;
    this.#onChange?.();
  };

  async #drain(): Promise<void> {
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#onChange?.();
    }, this.options.shutdownTimeout);
    await this.#until(() => isLate || this.#running === 0);
    for (const connection of this.#connections) {
      connection.end({ code: 1001, text: 'server shutting down', reason: 'shutdown' });
    }
    await this.#until(() => isLate || (this.#connections.size === 0 && this.#pending === 0));
    // Sessions may be closed by others than connections; their store is still there.
    let isSettled = false;
    void this.#host.sessions?.settled().finally(() => {
      isSettled = true;
      this.#onChange?.();
    });
    await this.#until(() => isLate || isSettled || !this.#host.sessions);
    clearTimeout(timer);
    if (!isLate) return;
    this.#logger.warn(
      `Shutdown did not finish within ${this.options.shutdownTimeout} ms: ${this.#running} handlers still run, ` +
        `${this.#pending} connection hooks are pending, ${this.#connections.size} connections are cut`,
    );
    for (const connection of this.#connections) connection.terminate();
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

  #guard(subject: string, run: () => void | Promise<void>, done?: () => void): void {
    const fail = (error: unknown) => this.#logger.error(`${subject} failed`, stackOf(error));
    let result: void | Promise<void> = undefined;
    try {
      result = run();
    } catch (error) {
      fail(error);
    }
    if (result instanceof Promise) void result.catch(fail).finally(done);
    else done?.();
  }
}
