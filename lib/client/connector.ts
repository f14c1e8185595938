import type { ServerMessage } from '../protocol/index.js';
import { delayBefore } from './backoff.js';
import type { Emit } from './client-events.js';
import type { ResolvedClientOptions } from './client-options.js';
import { DisconnectedError, IncompatibleProtocolVersionError, SubProtocolMismatchError } from './errors.js';
import { closedError, Link } from './link.js';
import type { Operation } from './operation.js';

/** What a client is doing. */
export type ClientStatus =
  /** There is no connection, and none is being made. */
  | 'disconnected'
  /** The first connection is being made. */
  | 'connecting'
  | 'connected'
  /** A lost connection is being replaced, or a first attempt repeated. */
  | 'reconnecting'
  /** `close()` waits for what is in flight. */
  | 'closing'
  /** For good. */
  | 'closed';

/** Somebody who needs a connection: `connect()`, or a request or signal to be sent. */
interface Waiter {
  readonly operation: Pick<Operation<never>, 'isSettled' | 'reject' | 'release'>;
  /** Whether an attempt that fails is no reason to give up. */
  readonly isPatient: boolean;
  readonly ready: (link: Link) => void;
}

/** What a connector tells and asks of its client. */
export interface ConnectorHost {
  readonly emit: Emit;
  /**
   * Whatever has to be done on a new connection before anybody may use it: tells whether a session was restored. If it
   * rejects, the attempt has failed.
   */
  prepare(link: Link): Promise<boolean>;
  received(message: ServerMessage): void;
  /** A connection is gone, whether it was in use or not. */
  lost(error: Error): void;
}

/** A connection that held this long, in milliseconds, was a good one, even if nothing came over it. */
const GOOD_AFTER = 5_000;

/** Keeps a client connected: dials, dials again after growing delays, and tells those who wait. */
export class Connector {
  status: ClientStatus = 'disconnected';
  /** Why there is no connection; `undefined` while there is one. */
  lastError: Error | undefined;
  /** Whether the present connection was of use to anybody: delays start anew when it is lost. */
  isProven = false;
  readonly #options: ResolvedClientOptions;
  readonly #host: ConnectorHost;
  #link: Link | undefined;
  /** Those who wait, in the order in which they came. */
  readonly #waiters = new Set<Waiter>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** There is a connection, or one was lost that is to be replaced. */
  #isEstablished = false;
  #connectedAt = 0;
  /** Since a connection that was of use to anybody. */
  #attempts = 0;
  #whenEnded = () => {};

  constructor(options: ResolvedClientOptions, host: ConnectorHost) {
    this.#options = options;
    this.#host = host;
  }

  get bufferedAmount(): number {
    return this.#link?.bufferedAmount ?? 0;
  }

  /**
   * Calls `ready` at once, if there is a connection, or when there is one. What it throws, and why there will be no
   * connection, rejects the operation.
   * @param isPatient Whether an attempt that fails is no reason to give up.
   * @param isUrgent Whether it asks for an attempt of its own, and now.
   */
  enter(
    operation: Pick<Operation<never>, 'isSettled' | 'reject' | 'release'>,
    isPatient: boolean,
    isUrgent: boolean,
    ready: (link: Link) => void,
  ): void {
    if (operation.isSettled) return;
    const waiter = { operation, isPatient, ready };
    const isIdle = !this.#link && !this.#timer;
    if (this.status === 'connected' && this.#link!.isOpen) this.#serve(waiter, this.#link!);
    else if (this.status.startsWith('clos')) operation.reject(closedError());
    else if (isIdle && !isPatient && !isUrgent) operation.reject(new DisconnectedError('not connected'));
    else {
      this.#waiters.add(waiter);
      operation.release = () => this.#leave(waiter);
      if (isIdle || (!this.#link && isUrgent)) this.#dial();
    }
  }

  /** Nobody gets a connection any more; the present one stays until `end()`. */
  stop(): void {
    if (this.status !== 'connected') this.#abandon();
    this.status = 'closing';
    this.#dismiss(closedError());
  }

  /** Closes the present connection; resolves when it is gone. */
  async end(): Promise<void> {
    if (this.#link) {
      await new Promise<void>((resolve) => {
        this.#whenEnded = resolve;
        this.#link!.end();
      });
    }
    this.status = 'closed';
  }

  #serve({ operation, ready }: Waiter, link: Link): void {
    try {
      ready(link);
    } catch (error) {
      operation.reject(error);
    }
  }

  /** Attempts that nobody wants any more end. */
  #leave(waiter: Waiter): void {
    if (this.#waiters.delete(waiter) && this.#waiters.size === 0 && !this.#isEstablished) this.#abandon();
  }

  #dial(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.status = this.#isEstablished || this.#attempts ? 'reconnecting' : 'connecting';
    const host = this.#host;
    const link: Link = new Link(this.#options, {
      accepted: () => {
        host.prepare(link).then(
          (isSessionRestored) => this.#connected(link, isSessionRestored),
          (error: Error) => link.end(error),
        );
      },
      received: (message) => host.received(message),
      ended: (error) => this.#ended(link, error),
    });
    this.#link = link;
    link.dial();
  }

  #connected(link: Link, isSessionRestored: boolean): void {
    // It may be gone already; its end follows, or was told.
    if (this.#link !== link || !link.isOpen) return;
    const isReconnect = this.#isEstablished;
    this.status = 'connected';
    this.#isEstablished = true;
    this.isProven = false;
    this.#connectedAt = performance.now();
    this.lastError = undefined;
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      this.#serve(waiter, link);
    }
    this.#host.emit('connected', { isReconnect, isSessionRestored });
  }

  #ended(link: Link, error: Error): void {
    if (this.#link !== link) return;
    const { status } = this;
    const wasConnected = status === 'connected' || status === 'closing';
    const isFinal = error instanceof IncompatibleProtocolVersionError || error instanceof SubProtocolMismatchError;
    const isTold = this.#waiters.size > 0 || wasConnected;
    this.#link = undefined;
    this.lastError = error;
    this.#host.lost(error);
    // Who came when an old connection was closing already waits for the next one.
    this.#dismiss(error, (waiter) => isFinal || !(waiter.isPatient || wasConnected));
    if (wasConnected && (this.isProven || performance.now() - this.#connectedAt >= GOOD_AFTER)) this.#attempts = 0;
    const isWanted = this.#waiters.size > 0 || (this.#isEstablished && this.#options.reconnect !== false);
    const willReconnect = isWanted && !isFinal && status !== 'closing';
    const delay = delayBefore(this.#attempts + 1, this.#options.backoff);
    if (willReconnect) {
      this.#attempts++;
      this.status = 'reconnecting';
      this.#timer = setTimeout(() => this.#dial(), delay);
    } else this.#giveUp(status === 'closing' ? status : 'disconnected');
    const timer = this.#timer;
    if (wasConnected) {
      const { closeCode: code, reason = '' } = error as Partial<DisconnectedError>;
      this.#host.emit('disconnected', { error, code, reason, willReconnect });
    } else if (!isTold && !willReconnect) this.#host.emit('error', { error });
    // A listener may have connected again, or closed the client.
    if (timer && timer === this.#timer) {
      this.#host.emit('reconnecting', { attempt: this.#attempts, delay, error });
    }
    this.#whenEnded();
  }

  #giveUp(status: ClientStatus): void {
    this.status = status;
    this.#isEstablished = false;
    this.#attempts = 0;
  }

  /** Ends what is being attempted, unheard. */
  #abandon(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const link = this.#link;
    this.#link = undefined;
    this.#giveUp('disconnected');
    link?.end(closedError());
    this.#host.lost(closedError());
  }

  #dismiss(error: Error, isConcerned: (waiter: Waiter) => boolean = () => true): void {
    for (const waiter of this.#waiters) {
      if (!isConcerned(waiter)) continue;
      this.#waiters.delete(waiter);
      waiter.operation.reject(error);
    }
  }
}
