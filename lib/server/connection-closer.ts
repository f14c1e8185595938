import { stackOf, type ServerLogger } from '../common/logger.js';
import type { ProtocolError } from '../protocol/index.js';
import type { DisconnectReason } from './disconnect-reason.js';
import type { Inbox } from './inbox.js';
import type { Work } from './waiting-messages.js';
import type { TransportConnection } from './ports/transport-connection.js';

/** Close code and reason text of the WebSocket (RFC 6455, section 7.4.1), and the reason for the application. */
export interface CloseCause {
  readonly code: number;
  readonly text: string;
  readonly reason: DisconnectReason;
}

/** Callbacks for the events of a connection. None of them throws. */
export interface ConnectionCallbacks<Connection> {
  /** The client broke the protocol; the connection is about to close. */
  violation(connection: Connection, error: ProtocolError): void;
  /** A message was refused, as the client sends more than `rateLimit` allows. */
  limit(connection: Connection, message: Work): void;
  /** The client reads too slowly and is disconnected. This many bytes wait for it. */
  drop(connection: Connection, bufferedAmount: number): void;
  /** The connection is gone. Called once. */
  closed(connection: Connection, reason: DisconnectReason): void;
}

/** The parts of a connection that log lines name. */
interface Identity {
  readonly id: string;
  readonly ip: string | undefined;
}

/**
 * Closes one connection. `end()` stops receiving, ends streams, and closes the transport connection when the last handler has
 * ended. `cut()` closes it at once.
 */
export class ConnectionCloser<Connection extends Identity> {
  #cause: CloseCause | undefined;
  #isCut = false;
  #isClosed = false;
  #closing: Promise<void> | undefined;
  #notifyClosed: (() => void) | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly transportConnection: TransportConnection,
    private readonly inbox: Pick<Inbox<never>, 'end' | 'isIdle'>,
    private readonly callbacks: ConnectionCallbacks<Connection>,
    private readonly logger: ServerLogger,
  ) {}

  /** True until the connection is closing or closed. */
  get isOpen(): boolean {
    return !this.#isClosed && this.#cause === undefined;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** True if the connection is closed or closing because the client broke a rule. It is not read then. */
  get isExpelled(): boolean {
    return this.#cause?.reason === 'violation' || this.#cause?.reason === 'rate-limit';
  }

  /** True if the connection is closed or closing because the server shuts down. */
  get isShutDown(): boolean {
    return this.#cause?.reason === 'shutdown';
  }

  /** Receives no more messages, lets running handlers finish and reply, then closes the connection. */
  end(cause: CloseCause): void {
    if (!this.isOpen) return;
    this.#cause = cause;
    this.inbox.end();
    this.closeWhenIdle();
  }

  /** Closes the transport connection if the connection is ending and no handler runs. */
  closeWhenIdle(): void {
    if (this.#cause === undefined || this.#isCut || this.#isClosed || !this.inbox.isIdle) return;
    this.transportConnection.close(this.#cause.code, this.#cause.text);
  }

  /** Closes the connection without waiting for handlers. */
  cut(cause: CloseCause): void {
    this.#isCut = true;
    this.#cause ??= cause;
    this.inbox.end();
    this.transportConnection.close(cause.code, cause.text);
  }

  /** Ends the connection because the client broke the protocol, and stops reading. */
  violate(error: ProtocolError): void {
    if (!this.isOpen) return;
    this.logger.warn(`${this.#name} broke the protocol and is closed: ${error.message} (${error.code})`);
    this.#expel({ code: error.closeCode, text: error.code, reason: 'violation' });
    this.callbacks.violation(this.connection, error);
    this.closeWhenIdle();
  }

  /** Ends the connection because the client sends too many messages although they are refused, and stops reading. */
  exceedRate(): void {
    if (!this.isOpen) return;
    this.logger.warn(
      `${this.#name} sends more messages than rateLimit allows although they are refused, and is closed. ` +
        'If it is a client of yours, let it wait after TOO_MANY_REQUESTS, or raise rateLimit',
    );
    this.#expel({ code: 1008, text: 'TOO_MANY_REQUESTS', reason: 'rate-limit' });
    this.closeWhenIdle();
  }

  #expel(cause: CloseCause): void {
    this.#cause = cause;
    this.inbox.end();
    this.transportConnection.pause();
  }

  /** Disconnects the client because it reads too slowly. */
  drop(problem: string): void {
    if (this.#isCut || this.#isClosed) return;
    const { bufferedAmount } = this.transportConnection;
    this.logger.warn(`${this.#name} ${problem} and is dropped: ${bufferedAmount} bytes wait for it`);
    this.cut({ code: 1013, text: 'reads too slowly', reason: 'backlog' });
    this.callbacks.drop(this.connection, bufferedAmount);
  }

  /** Terminates the connection because a message could not be written or read. */
  fail(error: unknown): void {
    this.logger.error(
      `${this.#name} is ended, as its messages could not be written or read. ` +
        'Do not transfer, resize or change bytes that were received, sent or returned: send a copy instead',
      stackOf(error),
    );
    this.transportConnection.terminate();
  }

  /** Called when the transport connection is gone. */
  closed(): void {
    this.#isClosed = true;
    this.#notifyClosed?.();
  }

  /**
   * Reports the end to the server.
   * @param clean True if the peer took part in closing the connection.
   */
  reportClosed(clean: boolean): void {
    this.callbacks.closed(this.connection, this.#cause?.reason ?? (clean ? 'client-close' : 'connection-lost'));
  }

  /** Resolves when the transport connection is gone. */
  whenClosed(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    this.#closing ??= new Promise((resolve) => {
      this.#notifyClosed = resolve;
    });
    return this.#closing;
  }

  get #name(): string {
    return `Connection ${this.connection.id} (${this.connection.ip})`;
  }
}
