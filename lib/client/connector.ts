import type { ProtocolMessage } from '../protocol/index.js';
import { Backoff } from './backoff.js';
import type { ClientEvents } from './client-events.js';
import type { ResolvedClientOptions } from './client-options.js';
import { DisconnectedError, IncompatibleProtocolVersionError, SubProtocolMismatchError } from './errors.js';
import { closedError, Link } from './link.js';

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
export interface Waiter {
  /** Whether an attempt that fails is no reason to give up. */
  readonly isPatient: boolean;
  /** Whether it asks for an attempt now, and not after the delay. */
  readonly isUrgent: boolean;
  /** There is a connection. */
  ready(link: Link): void;
  /** There will be none. */
  failed(error: Error): void;
}

/** What a connector tells and asks of its client. */
export interface ConnectorHost {
  /** Whatever has to be done on a new connection before anybody may use it. If it rejects, the attempt has failed. */
  prepare(link: Link): Promise<void>;
  received(message: ProtocolMessage): void;
  /** The link is gone, whether it was in use or not. */
  lost(error: Error): void;
  emit<Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]): void;
  /** For `connected`. */
  isSessionRestored(): boolean;
}

/** A connection that held this long, in milliseconds, was a good one, even if nothing came over it. */
const GOOD_AFTER = 5_000;

/** Keeps a client connected: dials, dials again after growing delays, and tells those who wait. */
export class Connector {
  #status: ClientStatus = 'disconnected';
  #link: Link | undefined;
  /** Those who wait, in the order in which they came. */
  readonly #waiters = new Set<Waiter>();
  readonly #backoff: Backoff;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** A connection was lost, or is there: until it is given up for good, another one is wanted. */
  #isEstablished = false;
  #connectedAt = 0;
  /** Whether the present connection was of use to anybody. */
  #isProven = false;
  #lastError: Error | undefined;
  #onEnd: (() => void) | undefined;

  constructor(
    private readonly options: ResolvedClientOptions,
    private readonly host: ConnectorHost,
  ) {
    this.#backoff = new Backoff(options.backoff);
  }

  get status(): ClientStatus {
    return this.#status;
  }

  get bufferedAmount(): number {
    return this.#link?.bufferedAmount ?? 0;
  }

  /** Why there is no connection; `undefined` while there is one. */
  get lastError(): Error | undefined {
    return this.#lastError;
  }

  /** The server did what it is there for: delays start anew when the connection is lost. */
  prove(): void {
    this.#isProven = true;
  }

  /** Tells the waiter at once, if there is a connection, or when there is one. */
  enter(waiter: Waiter): void {
    if (this.#status === 'closing' || this.#status === 'closed') return waiter.failed(closedError());
    if (this.#status === 'connected' && this.#link!.isOpen) return waiter.ready(this.#link!);
    const isIdle = !this.#link && this.#timer === undefined;
    if (isIdle && !waiter.isUrgent && !waiter.isPatient) return waiter.failed(new DisconnectedError('not connected'));
    this.#waiters.add(waiter);
    if (isIdle || (!this.#link && waiter.isUrgent)) this.#dial();
  }

  /** The waiter does not wait any more. Attempts that nobody else wants end. */
  leave(waiter: Waiter): void {
    if (!this.#waiters.delete(waiter) || this.#waiters.size > 0 || this.#isEstablished) return;
    this.#abandon();
    this.#status = 'disconnected';
  }

  /** Nobody gets a connection any more; the present one stays until `end()`. */
  stop(): void {
    if (this.#status !== 'connected') this.#abandon();
    this.#status = 'closing';
    this.#failWaiters(closedError(), () => true);
  }

  /** Closes the present connection; resolves when it is gone. */
  async end(): Promise<void> {
    if (this.#link) {
      await new Promise<void>((resolve) => {
        this.#onEnd = resolve;
        this.#link!.close();
      });
    }
    this.#status = 'closed';
  }

  #dial(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#status = this.#isEstablished || this.#backoff.attempts > 0 ? 'reconnecting' : 'connecting';
    const link: Link = new Link(this.options, {
      accepted: () => {
        this.host.prepare(link).then(
          () => this.#connected(link),
          (error: Error) => link.fail(error),
        );
      },
      received: (message) => this.host.received(message),
      ended: (error) => this.#ended(link, error),
    });
    this.#link = link;
    link.dial();
  }

  #connected(link: Link): void {
    // It may be gone already; its end follows, or was told.
    if (this.#link !== link || !link.isOpen) return;
    const isReconnect = this.#isEstablished;
    this.#status = 'connected';
    this.#isEstablished = true;
    this.#isProven = false;
    this.#connectedAt = performance.now();
    this.#lastError = undefined;
    for (const waiter of this.#waiters) {
      if (!link.isOpen) break;
      this.#waiters.delete(waiter);
      waiter.ready(link);
    }
    if (this.#link === link) {
      this.host.emit('connected', { isReconnect, isSessionRestored: this.host.isSessionRestored() });
    }
  }

  #ended(link: Link, error: Error): void {
    if (this.#link !== link) return;
    const wasConnected = this.#status === 'connected' || this.#status === 'closing';
    this.#link = undefined;
    this.#lastError = error;
    this.host.lost(error);
    if (wasConnected) this.#lost(error);
    else this.#failed(error);
    this.#onEnd?.();
  }

  /** A connection that was in use is gone. */
  #lost(error: Error): void {
    if (this.#isProven || performance.now() - this.#connectedAt >= GOOD_AFTER) this.#backoff.reset();
    this.#failWaiters(error, (waiter) => !waiter.isPatient && !waiter.isUrgent);
    const waiters = [...this.#waiters];
    const willReconnect = this.#status !== 'closing' && (this.options.reconnects || waiters.length > 0);
    // Whoever wants a connection at once came when this one was closing already.
    const delay = waiters.some((waiter) => waiter.isUrgent) ? 0 : this.#backoff.next();
    const timer = willReconnect ? this.#schedule(delay) : undefined;
    if (!willReconnect) this.#giveUp(this.#status === 'closing' ? 'closing' : 'disconnected');
    const { closeCode: code, reason = '' } = error as Partial<DisconnectedError>;
    this.host.emit('disconnected', { error, code, reason, willReconnect });
    // A listener may have connected again, or closed the client.
    if (timer !== undefined && this.#timer === timer) this.#tellOfDelay(delay, error);
  }

  /** An attempt has failed. */
  #failed(error: Error): void {
    const isFinal = error instanceof IncompatibleProtocolVersionError || error instanceof SubProtocolMismatchError;
    const isTold = this.#waiters.size > 0;
    this.#failWaiters(error, (waiter) => isFinal || !waiter.isPatient);
    if (!isFinal && (this.#waiters.size > 0 || (this.options.reconnects && this.#isEstablished))) {
      const delay = this.#backoff.next();
      this.#schedule(delay);
      this.#tellOfDelay(delay, error);
    } else {
      this.#giveUp('disconnected');
      if (!isTold) this.host.emit('error', { error });
    }
  }

  #schedule(delay: number): unknown {
    this.#status = 'reconnecting';
    this.#timer = setTimeout(() => this.#dial(), delay);
    return this.#timer;
  }

  #tellOfDelay(delay: number, error: Error): void {
    this.host.emit('reconnecting', { attempt: this.#backoff.attempts, delay, error });
  }

  #giveUp(status: ClientStatus): void {
    this.#status = status;
    this.#isEstablished = false;
    this.#backoff.reset();
  }

  /** Ends what is being attempted, unheard. */
  #abandon(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const link = this.#link;
    this.#link = undefined;
    link?.fail(closedError());
    this.#giveUp('disconnected');
    if (link) this.host.lost(closedError());
  }

  #failWaiters(error: Error, isConcerned: (waiter: Waiter) => boolean): void {
    for (const waiter of [...this.#waiters].filter(isConcerned)) {
      this.#waiters.delete(waiter);
      waiter.failed(error);
    }
  }
}
