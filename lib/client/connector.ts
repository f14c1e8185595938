import type { ServerMessage } from '../protocol/index.js';
import { delayBefore } from './backoff.js';
import type { Emit } from './client-events.js';
import type { ResolvedClientOptions } from './client-options.js';
import { closedError, ClientConnection } from './connection.js';
import {
  DisconnectedError,
  IncompatibleProtocolVersionError,
  QueueFullError,
  SubProtocolMismatchError,
} from './errors.js';
import { serve, Waiters, type Waiter } from './waiters.js';

/** The state of a client. */
export type ClientStatus =
  /** There is no connection, and none is being made. */
  | 'disconnected'
  /** The first connection is being made. */
  | 'connecting'
  | 'connected'
  /** A lost connection is being replaced, or a first attempt repeated. */
  | 'reconnecting'
  /** `close()` waits for the requests in flight. */
  | 'closing'
  /** For good. */
  | 'closed';

/** The client, as its connector sees it. */
export interface ConnectorHost {
  readonly emit: Emit;
  /**
   * Prepares a new connection before anybody may use it, and resolves with whether a session was restored. If it rejects,
   * the attempt to connect has failed.
   */
  prepare(connection: ClientConnection): Promise<boolean>;
  /** The connection may be used now, and everything that waited for it was sent. */
  connected(): void;
  received(message: ServerMessage): void;
  /** A connection is gone, whether it was in use or not. */
  lost(error: Error): void;
}

/**
 * The states of a connector, and the ways from one to the next:
 *
 * - `idle` → `dialing`: something needs a connection.
 * - `dialing` → `connected`: the server accepted, and the session is restored.
 * - `dialing` → `waiting`: the attempt failed, and a lost connection is to be replaced, or somebody waits patiently.
 * - `dialing` → `idle`: the attempt failed for everybody, or nobody waits for it any more.
 * - `waiting` → `dialing`: the delay is over, or `connect()` was called. `waiting` → `idle`: nobody waits any more.
 * - `connected` → `waiting` or `idle`: the connection was lost.
 * - any → `closing` → `closed`: `stop()`, then `end()`.
 */
type State =
  | { readonly name: 'idle' }
  | { readonly name: 'dialing'; readonly connection: ClientConnection }
  | { readonly name: 'waiting'; readonly delay: number; readonly timer: ReturnType<typeof setTimeout> }
  | { readonly name: 'connected'; readonly connection: ClientConnection; readonly since: number }
  | { readonly name: 'closing'; readonly connection: ClientConnection | undefined }
  | { readonly name: 'closed' };

const IDLE: State = { name: 'idle' };

/** A connection that lasted this long, in milliseconds, was a good one, even if nothing came over it. */
const GOOD_AFTER = 5_000;

/** Keeps a client connected: dials, dials again after growing delays, and serves the operations that wait. */
export class Connector {
  readonly #options: ResolvedClientOptions;
  readonly #host: ConnectorHost;
  readonly #waiters = new Waiters();
  #state: State = IDLE;
  /** There was a connection that is to be replaced when it is lost. */
  #isEstablished = false;
  /** The present connection was of use: a reply or a signal came over it. */
  #isProven = false;
  /** Attempts since a connection that was of use. */
  #attempts = 0;
  /** Why the last connection ended, or the last attempt failed. */
  #lastError: Error | undefined;
  #whenEnded = () => {};

  constructor(options: ResolvedClientOptions, host: ConnectorHost) {
    this.#options = options;
    this.#host = host;
  }

  get status(): ClientStatus {
    switch (this.#state.name) {
      case 'idle':
        return 'disconnected';
      case 'dialing':
        return this.#isEstablished || this.#attempts > 0 ? 'reconnecting' : 'connecting';
      case 'waiting':
        return 'reconnecting';
      default:
        return this.#state.name;
    }
  }

  /** The connection that messages can be sent on. */
  get connection(): ClientConnection | undefined {
    return this.#state.name === 'connected' && this.#state.connection.isOpen ? this.#state.connection : undefined;
  }

  /** Bytes that were sent and still wait for the network. */
  get bufferedAmount(): number {
    return 'connection' in this.#state ? (this.#state.connection?.bufferedAmount ?? 0) : 0;
  }

  /** The server replied or sent a signal: delays start anew when the connection is lost. */
  prove(): void {
    this.#isProven = true;
  }

  /** Serves an operation at once if there is a connection, else when there is one, or rejects it. */
  enter(waiter: Waiter): void {
    const { operation, isPatient, isUrgent } = waiter;
    const { connection } = this;
    const { name } = this.#state;
    if (operation.isSettled) return;
    if (name === 'closing' || name === 'closed') operation.reject(closedError());
    else if (connection) serve(waiter, connection);
    else if (name === 'idle' && !isPatient && !isUrgent) {
      operation.reject(
        new DisconnectedError(`not connected to ${this.#options.url.shown}: call connect(), or leave reconnect on`),
      );
    } else if (!isUrgent && this.#waiters.queued >= this.#options.maxQueuedRequests)
      operation.reject(this.#queueFull());
    else {
      this.#wait(waiter);
      if (name === 'idle' || (name === 'waiting' && isUrgent)) this.#dial();
    }
  }

  /** Refuses operations from now on, and those that wait. The present connection stays until `end()`. */
  stop(): void {
    const connection = this.#state.name === 'connected' ? this.#state.connection : undefined;
    if (!connection) this.#abandon();
    this.#state = { name: 'closing', connection };
    this.#waiters.dismiss(closedError());
  }

  /** Closes the present connection; resolves when it is gone. */
  async end(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#whenEnded = resolve;
      if (this.#state.name === 'closing' && this.#state.connection) this.#state.connection.end();
      else resolve();
    });
    this.#state = { name: 'closed' };
  }

  #wait(waiter: Waiter): void {
    this.#waiters.add(waiter);
    waiter.operation.obstacle = this.#obstacle;
    waiter.operation.release = () => {
      // Attempts that nobody wants any more end.
      if (this.#waiters.delete(waiter) && this.#waiters.size === 0 && !this.#isEstablished) this.#abandon();
    };
  }

  readonly #obstacle = (): Error | string => this.#lastError ?? `still connecting to ${this.#options.url.shown}`;

  #queueFull(): QueueFullError {
    const { maxQueuedRequests, url } = this.#options;
    const why = this.#lastError ? `: ${this.#lastError.message}` : '';
    return new QueueFullError(
      `${maxQueuedRequests} requests and signals wait for a connection to ${url.shown} already, which is as many as ` +
        `the option maxQueuedRequests allows${why}`,
      { cause: this.#lastError },
    );
  }

  #dial(): void {
    if (this.#state.name === 'waiting') clearTimeout(this.#state.timer);
    const connection: ClientConnection = new ClientConnection(this.#options, {
      accepted: () => {
        this.#host.prepare(connection).then(
          (isSessionRestored) => this.#connected(connection, isSessionRestored),
          (error: Error) => connection.end(error),
        );
      },
      received: (message) => this.#host.received(message),
      ended: (error) => this.#ended(connection, error),
    });
    this.#state = { name: 'dialing', connection };
    connection.dial();
  }

  #connected(connection: ClientConnection, isSessionRestored: boolean): void {
    // The connection may be gone, or closing.
    if (this.#state.name !== 'dialing' || this.#state.connection !== connection || !connection.isOpen) return;
    const isReconnect = this.#isEstablished;
    this.#state = { name: 'connected', connection, since: performance.now() };
    this.#isEstablished = true;
    this.#isProven = false;
    this.#lastError = undefined;
    this.#waiters.serveAll(connection);
    this.#host.emit('connected', { isReconnect, isSessionRestored });
    this.#host.connected();
  }

  #ended(connection: ClientConnection, error: Error): void {
    const state = this.#state;
    if (!('connection' in state) || state.connection !== connection) return;
    const wasInUse = state.name !== 'dialing';
    const isFinal = error instanceof IncompatibleProtocolVersionError || error instanceof SubProtocolMismatchError;
    const hadWaiters = this.#waiters.size > 0;
    this.#lastError = error;
    this.#host.lost(error);
    // Operations that came while the old connection was closing wait for the next one.
    this.#waiters.dismiss(error, ({ isPatient }) => isFinal || !(isPatient || wasInUse));
    const isWanted = this.#waiters.size > 0 || (this.#isEstablished && this.#options.reconnect);
    if (state.name === 'closing') this.#state = { name: 'closing', connection: undefined };
    else if (isWanted && !isFinal) this.#delay(state);
    else this.#rest();
    this.#report(error, wasInUse, hadWaiters);
    this.#whenEnded();
  }

  /** Events come last: a listener may connect again, or close the client. */
  #report(error: Error, wasInUse: boolean, hadWaiters: boolean): void {
    const next = this.#state;
    const willReconnect = next.name === 'waiting';
    const { closeCode: code, reason = '' } = error as Partial<DisconnectedError>;
    if (wasInUse) this.#host.emit('disconnected', { error, code, reason, willReconnect });
    else if (!hadWaiters && !willReconnect) this.#host.emit('error', { error });
    if (willReconnect && next === this.#state) {
      this.#host.emit('reconnecting', { attempt: this.#attempts, delay: next.delay, error });
    }
  }

  #delay(lost: State): void {
    const wasGood = lost.name === 'connected' && (this.#isProven || performance.now() - lost.since >= GOOD_AFTER);
    this.#attempts = wasGood ? 1 : this.#attempts + 1;
    const delay = delayBefore(this.#attempts, this.#options.backoff);
    this.#state = { name: 'waiting', delay, timer: setTimeout(() => this.#dial(), delay) };
  }

  #rest(): void {
    this.#state = IDLE;
    this.#isEstablished = false;
    this.#attempts = 0;
  }

  /** Ends an attempt, or the wait for the next one, without an event. */
  #abandon(): void {
    const state = this.#state;
    this.#rest();
    if (state.name === 'waiting') clearTimeout(state.timer);
    else if (state.name === 'dialing') state.connection.end(closedError());
    this.#host.lost(closedError());
  }
}
