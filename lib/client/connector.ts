import type { ServerMessage } from '../protocol/index.js';
import * as MessageType from '../protocol/type-bytes.js';
import { delayBefore } from './backoff.js';
import type { EmitEvent } from './client-events.js';
import type { ResolvedClientOptions } from './client-options.js';
import { ClientConnection, closedError } from './connection.js';
import {
  DisconnectedError,
  IncompatibleProtocolVersionError,
  InvalidOptionError,
  QueueFullError,
  SubProtocolMismatchError,
} from './errors.js';
import { synchronous } from './target.js';
import { serve, Waiters, type Waiter } from './waiters.js';

/** The state of a client. */
export type ClientStatus =
  /** No connection, and no attempt to connect. */
  | 'disconnected'
  /** The client connects for the first time. */
  | 'connecting'
  /** Connected, and the session is restored if there was one. */
  | 'connected'
  /** The client replaces a lost connection, or repeats a failed first attempt. */
  | 'reconnecting'
  /** `close()` waits for the replies to requests in flight. */
  | 'closing'
  /** `close()` has finished. */
  | 'closed';

/** Functions of the client that the connector calls. */
export interface ConnectorCallbacks {
  readonly emit: EmitEvent;
  /** Called when the state may have changed, before the change is complete. */
  changed(): void;
  /**
   * Called for a new connection before operations can use it. Resolves with whether a session was restored. A rejection makes
   * the attempt to connect fail.
   */
  prepare(connection: ClientConnection): Promise<boolean>;
  /** Called when operations can use the connection. */
  connected(): void;
  received(message: ServerMessage): void;
  /** Resolves when all current requests have settled. */
  readonly requestsSettled: () => Promise<unknown>;
  /** Called when a connection or an attempt to connect has ended. */
  lost(error: Error): void;
}

/**
 * The states of a connector. Each transition is a method of the class:
 *
 * - `disconnected` → `dialing`: an operation needs a connection.
 * - `dialing` → `connected`: the server has accepted, and the session is restored.
 * - `dialing` → `reconnecting`: the attempt failed; it was to replace a lost connection, or an operation waits for another attempt.
 * - `dialing` → `disconnected`: the attempt failed and is not repeated, or no operation waits for it any more.
 * - `reconnecting` → `dialing`: the delay is over, or `connect()` was called.
 * - `reconnecting` → `disconnected`: no operation waits any more.
 * - `connected` → `reconnecting` or `disconnected`: the connection was lost; the options `reconnect` and `retryOn` decide.
 * - `dialing`, `reconnecting` or `connected` → `disconnected`: `disconnect()` was called.
 * - any → `closing` → `closed`: `stop()`, then `end()`.
 */
type State =
  | { readonly name: 'disconnected' }
  | { readonly name: 'dialing'; readonly connection: ClientConnection }
  | { readonly name: 'reconnecting'; readonly delay: number; readonly timer: ReturnType<typeof setTimeout> }
  | { readonly name: 'connected'; readonly connection: ClientConnection; readonly since: number }
  | { readonly name: 'closing'; readonly connection: ClientConnection | undefined }
  | { readonly name: 'closed' };

/** After this duration a connection counts as stable, even if no message was received, in milliseconds. */
const STABLE_AFTER = 5_000;

/** Returns `true` if further attempts cannot succeed: also for close codes from 4400 to 4499. */
function isFinal(error: Error): boolean {
  const { closeCode = 0 } = error as Partial<DisconnectedError>;
  return (
    Math.floor(closeCode / 100) === 44 ||
    error instanceof IncompatibleProtocolVersionError ||
    error instanceof SubProtocolMismatchError ||
    error instanceof InvalidOptionError
  );
}

/** Connects the client, reconnects after growing delays, and passes the connection to the operations that wait for it. */
export class Connector {
  readonly #options: ResolvedClientOptions;
  readonly #callbacks: ConnectorCallbacks;
  readonly #waiters = new Waiters();
  #currentState: State = { name: 'disconnected' };
  /** A connection was made, and the client has not been disconnected since. With the option `reconnect`, it is replaced when lost. */
  #hasConnected = false;
  /** `disconnect()` was called, and `connect()` was not called since. */
  #isOff = false;
  /**
   * A signal or a reply, other than that of a server that shuts down, was received on the current connection: after it, the delays
   * start again with the shortest one.
   */
  #isStable = false;
  /** Number of attempts since the last stable connection. */
  #attempts = 0;
  /** The error of the last connection or attempt. */
  #lastError: Error | undefined;
  /** Resolves when the WebSockets of all connections are closed. */
  #closed = Promise.resolve();

  constructor(options: ResolvedClientOptions, callbacks: ConnectorCallbacks) {
    this.#options = options;
    this.#callbacks = callbacks;
  }

  get #state(): State {
    return this.#currentState;
  }

  set #state(state: State) {
    this.#currentState = state;
    this.#callbacks.changed();
  }

  /** The error of the last connection or attempt; `undefined` while connected. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  get status(): ClientStatus {
    const { name } = this.#state;
    if (name !== 'dialing') return name;
    return this.#hasConnected || this.#attempts > 0 ? 'reconnecting' : 'connecting';
  }

  /** The connection, if messages can be sent on it. */
  get connection(): ClientConnection | undefined {
    return this.#state.name === 'connected' && this.#state.connection.isOpen ? this.#state.connection : undefined;
  }

  /** Number of bytes that were passed to the WebSocket and not yet sent. */
  get bufferedAmount(): number {
    return ('connection' in this.#state && this.#state.connection?.bufferedAmount) || 0;
  }

  /** A web page is shown again, or its network has changed: connects without a delay, or checks the connection. */
  wake(): void {
    if (this.#state.name === 'reconnecting') this.#dial();
    else this.connection?.probe();
  }

  /** Passes the connection to an operation, now or when there is one, or rejects the operation. */
  enter(waiter: Waiter): void {
    const { operation, isConnect } = waiter;
    const { connection } = this;
    if (operation.isSettled) return;
    if (isConnect) this.#isOff = false;
    if (connection && (isConnect || !connection.isBlocked)) return serve(waiter, connection);
    const error = connection ? undefined : this.#rejectionOf(waiter);
    if (error) return operation.reject(error);
    this.#wait(waiter);
    const { name } = this.#state;
    if (name === 'disconnected' || (name === 'reconnecting' && isConnect)) this.#dial();
  }

  /**
   * Ends the connection or the attempt, and rejects the operations that wait, and all later ones until `connect()`. Resolves when the
   * WebSocket is closed.
   */
  disconnect(): Promise<void> {
    const state = this.#state;
    // A listener may connect again.
    const closed = this.#closed;
    const error = new DisconnectedError(`disconnected from ${this.#options.target.url.shown} by disconnect()`);
    if (state.name === 'closing' || state.name === 'closed') return closed;
    this.#isOff = true;
    this.#lastError = undefined;
    this.#cancel(error);
    this.#waiters.reject(error);
    if (state.name === 'connected') this.#emitEnded(error, true, true);
    return closed;
  }

  /** Rejects the operations that wait, and all later ones. The connection stays open until `end()`. */
  stop(): void {
    // Sends the messages that the connection has held back.
    this.connection?.grant(Infinity);
    const connection = this.#state.name === 'connected' ? this.#state.connection : undefined;
    if (!connection) this.#cancel(closedError());
    this.#state = { name: 'closing', connection };
    this.#waiters.reject(closedError());
  }

  /** Closes the connection after `stop()`. Resolves when it has ended. */
  async end(): Promise<void> {
    if (this.#state.name === 'closing') this.#state.connection?.end();
    await this.#closed;
    this.#state = { name: 'closed' };
  }

  /** The error for an operation that cannot wait for a connection. */
  #rejectionOf({ canRetry, isConnect }: Waiter): Error | undefined {
    const { name } = this.#state;
    const {
      maxQueuedRequests,
      target: { url },
    } = this.#options;
    if (name === 'closing' || name === 'closed') return closedError();
    if (isConnect) return undefined;
    // Operations that may not start an attempt to connect can only share one: then others wait for it.
    if ((!canRetry || this.#isOff) && this.#waiters.size === 0) {
      const hint = canRetry ? '' : ', or leave reconnect on';
      return new DisconnectedError(`not connected to ${url.shown}: call connect()${hint}`);
    }
    if (!this.#waiters.isFull(maxQueuedRequests)) return undefined;
    const cause = this.#lastError;
    return new QueueFullError(
      `${maxQueuedRequests} requests and signals wait for a connection to ${url.shown}, as many as ` +
        `maxQueuedRequests allows${cause ? `: ${cause.message}` : ''}`,
      { cause },
    );
  }

  #wait(waiter: Waiter): void {
    this.#waiters.add(waiter);
    waiter.operation.obstacle = () =>
      this.connection
        ? undefined
        : (this.#lastError ?? `no connection: still connecting to ${this.#options.target.url.shown}`);
    waiter.operation.release = () => {
      const wasLast = this.#waiters.delete(waiter) && this.#waiters.size === 0;
      if (wasLast && !this.#hasConnected) this.#cancel(closedError());
    };
  }

  /** `disconnected` or `reconnecting` → `dialing` */
  #dial(): void {
    if (this.#state.name === 'reconnecting') clearTimeout(this.#state.timer);
    const connection: ClientConnection = new ClientConnection(this.#options, {
      accepted: () => {
        this.#callbacks.prepare(connection).then(
          (isSessionRestored) => this.#connected(connection, isSessionRestored),
          (error: Error) => connection.end(error),
        );
      },
      ready: () => {
        if (connection === this.connection) this.#waiters.serveAll(connection);
      },
      received: (message) => {
        if (message.type === MessageType.ReplyShutdown) this.#leave(connection);
        else this.#isStable ||= 'id' in message || 'name' in message;
        this.#callbacks.received(message);
      },
      ended: (error) => this.#ended(connection, error),
    });
    this.#closed = this.#closed.then(() => connection.closed);
    this.#state = { name: 'dialing', connection };
    connection.dial();
  }

  /** Closes the connection to a server that shuts down, when all requests on it have settled, so that the next one is made. */
  #leave(connection: ClientConnection): void {
    if (!this.#options.reconnect || connection.isLeft) return;
    connection.isLeft = true;
    void this.#callbacks.requestsSettled().then(() => connection.end());
  }

  /** `dialing` → `connected` */
  #connected(connection: ClientConnection, isSessionRestored: boolean): void {
    // The connection may have ended, or started to close, while the session was being restored.
    if (this.#state.name !== 'dialing' || !this.#has(connection) || !connection.isOpen) return;
    const isReconnect = this.#hasConnected;
    this.#state = { name: 'connected', connection, since: performance.now() };
    this.#hasConnected = true;
    this.#isStable = false;
    this.#lastError = undefined;
    this.#waiters.serveAll(connection);
    this.#callbacks.connected();
    this.#callbacks.emit('connected', { isReconnect, isSessionRestored });
  }

  /** `dialing` or `connected` → `reconnecting` or `disconnected` */
  #ended(connection: ClientConnection, error: Error): void {
    if (!this.#has(connection)) return;
    const wasInUse = this.#state.name !== 'dialing';
    // Operations that were added while a connection in use was closing wait for the next one. Those that it held back do not.
    const canWait = ({ canRetry, isConnect }: Waiter) => canRetry || (wasInUse && (isConnect || !connection.isBlocked));
    const isNeeded = (this.#hasConnected && this.#options.reconnect) || [...this.#waiters].some(canWait);
    const attempt = this.#wasStable ? 1 : this.#attempts + 1;
    const isOver = this.#state.name !== 'closing' && isNeeded && !this.#shouldRetry(error, attempt);
    // The option `retryOn` may have closed the client.
    if (!this.#has(connection)) return;
    const hadWaiters = this.#waiters.size > 0;
    this.#lastError = error;
    this.#callbacks.lost(error);
    this.#waiters.reject(error, (waiter) => isOver || !canWait(waiter));
    if (this.#state.name === 'closing') this.#state = { name: 'closing', connection: undefined };
    else if (isNeeded && !isOver) this.#backOff(attempt);
    else this.#disconnect();
    this.#emitEnded(error, wasInUse, hadWaiters);
  }

  #has(connection: ClientConnection): boolean {
    return 'connection' in this.#state && this.#state.connection === connection;
  }

  /** `true` if the current connection received a reply or a signal, or has lasted. */
  get #wasStable(): boolean {
    const state = this.#state;
    return state.name === 'connected' && (this.#isStable || performance.now() - state.since >= STABLE_AFTER);
  }

  /** @param attempt The number of the next attempt. */
  #shouldRetry(error: Error, attempt: number): boolean {
    if (isFinal(error)) return false;
    try {
      return synchronous('retryOn', this.#options.retryOn?.(error, attempt)) ?? true;
    } catch (failure) {
      this.#callbacks.emit('error', { error: failure });
      return true;
    }
  }

  /** Comes after the transition, because a listener may call `connect()` or `close()`. */
  #emitEnded(error: Error, wasInUse: boolean, hadWaiters: boolean): void {
    const next = this.#state;
    const willReconnect = next.name === 'reconnecting';
    const { closeCode: code, reason = '' } = error as Partial<DisconnectedError>;
    if (wasInUse) this.#callbacks.emit('disconnected', { error, code, reason, willReconnect });
    else if (!hadWaiters && !willReconnect) this.#callbacks.emit('error', { error });
    if (willReconnect && next === this.#state) {
      this.#callbacks.emit('reconnecting', { attempt: this.#attempts, delay: next.delay, error });
    }
  }

  /** `dialing` or `connected` → `reconnecting` */
  #backOff(attempt: number): void {
    this.#attempts = attempt;
    const delay = delayBefore(attempt, this.#options.backoff);
    this.#state = { name: 'reconnecting', delay, timer: setTimeout(() => this.#dial(), delay) };
  }

  #disconnect(): void {
    this.#state = { name: 'disconnected' };
    this.#hasConnected = false;
    this.#attempts = 0;
  }

  /** `dialing`, `reconnecting` or `connected` → `disconnected`, without an event. */
  #cancel(error: Error): void {
    const state = this.#state;
    this.#disconnect();
    if (state.name === 'reconnecting') clearTimeout(state.timer);
    else if ('connection' in state) state.connection?.end(error);
    this.#callbacks.lost(error);
  }
}
