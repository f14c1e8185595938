import type { ServerMessage } from '../protocol/index.js';
import { delayBefore } from './backoff.js';
import type { Emit } from './client-events.js';
import type { ResolvedClientOptions } from './client-options.js';
import { DisconnectedError, IncompatibleProtocolVersionError, SubProtocolMismatchError } from './errors.js';
import { closedError, openClientConnection, type ClientConnection } from './connection.js';
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
  readonly ready: (link: ClientConnection) => void;
}

/** What a connector tells and asks of its client. */
export interface ConnectorHost {
  readonly emit: Emit;
  /**
   * Whatever has to be done on a new connection before anybody may use it: tells whether a session was restored. If it
   * rejects, the attempt has failed.
   */
  prepare(link: ClientConnection): Promise<boolean>;
  readonly received: (message: ServerMessage) => void;
  /** A connection is gone, whether it was in use or not. */
  readonly lost: (error: Error) => void;
}

/** A connection that held this long, in milliseconds, was a good one, even if nothing came over it. */
const GOOD_AFTER = 5_000;

/** Keeps a client connected: dials, dials again after growing delays, and tells those who wait. */
export interface Connector {
  status(): ClientStatus;
  bufferedAmount(): number;
  /** The server did what it is there for: delays start anew when the connection is lost. */
  prove(): void;
  /**
   * Calls `ready` at once, if there is a connection, or when there is one. What it throws, and why there will be no
   * connection, rejects the operation.
   * @param isPatient Whether an attempt that fails is no reason to give up.
   * @param isUrgent Whether it asks for an attempt of its own, and now.
   */
  enter(operation: Waiter['operation'], isPatient: boolean, isUrgent: boolean, ready: Waiter['ready']): void;
  /** Nobody gets a connection any more; the present one stays until `end()`. */
  stop(): void;
  /** Closes the present connection; resolves when it is gone. */
  end(): Promise<void>;
}

export function createConnector(options: ResolvedClientOptions, host: ConnectorHost): Connector {
  let status: ClientStatus = 'disconnected';
  let link: ClientConnection | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  /** Those who wait, in the order in which they came. */
  const waiters = new Set<Waiter>();
  /** There is a connection, or one was lost that is to be replaced. */
  let isEstablished = false;
  let connectedAt = 0;
  /** Whether the present connection was of use to anybody. */
  let isProven = false;
  /** Since a connection that was. */
  let attempts = 0;
  let whenEnded = () => {};

  const serve = ({ operation, ready }: Waiter, current: ClientConnection) => {
    try {
      ready(current);
    } catch (error) {
      operation.reject(error);
    }
  };

  const dismiss = (error: Error, isConcerned: (waiter: Waiter) => boolean = () => true) => {
    for (const waiter of waiters) {
      if (isConcerned(waiter)) {
        waiters.delete(waiter);
        waiter.operation.reject(error);
      }
    }
  };

  const giveUp = (next: ClientStatus) => {
    status = next;
    isEstablished = false;
    attempts = 0;
  };

  /** Ends what is being attempted, unheard. */
  const abandon = () => {
    clearTimeout(timer);
    const dropped = link;
    timer = link = undefined;
    giveUp('disconnected');
    dropped?.end(closedError());
    host.lost(closedError());
  };

  const connected = (current: ClientConnection, isSessionRestored: boolean) => {
    // It may be gone already; its end follows, or was told.
    if (link !== current || !current.isOpen()) return;
    const isReconnect = isEstablished;
    status = 'connected';
    isEstablished = true;
    isProven = false;
    connectedAt = performance.now();
    for (const waiter of waiters) {
      waiters.delete(waiter);
      serve(waiter, current);
    }
    host.emit('connected', { isReconnect, isSessionRestored });
  };

  const ended = (current: ClientConnection, error: Error) => {
    if (link !== current) return;
    const isClosing = status === 'closing';
    const wasConnected = isClosing || status === 'connected';
    const isFinal = error instanceof IncompatibleProtocolVersionError || error instanceof SubProtocolMismatchError;
    const isTold = waiters.size > 0;
    link = undefined;
    host.lost(error);
    // Who came when an old connection was closing already waits for the next one.
    dismiss(error, (waiter) => isFinal || !(waiter.isPatient || wasConnected));
    if (wasConnected && (isProven || performance.now() - connectedAt >= GOOD_AFTER)) attempts = 0;
    const isWanted = waiters.size > 0 || (isEstablished && options.reconnect);
    const willReconnect = isWanted && !isFinal && !isClosing;
    const delay = delayBefore(attempts + 1, options.backoff);
    if (willReconnect) {
      attempts++;
      status = 'reconnecting';
      timer = setTimeout(dial, delay);
    } else giveUp(isClosing ? status : 'disconnected');
    const scheduled = timer;
    if (wasConnected) {
      const { closeCode: code, reason = '' } = error as Partial<DisconnectedError>;
      host.emit('disconnected', { error, code, reason, willReconnect });
    } else if (!isTold && !willReconnect) host.emit('error', { error });
    // A listener may have connected again, or closed the client.
    if (scheduled && scheduled === timer) host.emit('reconnecting', { attempt: attempts, delay, error });
    whenEnded();
  };

  const dial = () => {
    clearTimeout(timer);
    timer = undefined;
    status = isEstablished || attempts ? 'reconnecting' : 'connecting';
    const current: ClientConnection = openClientConnection(options, {
      accepted: () => void host.prepare(current).then((isRestored) => connected(current, isRestored), current.end),
      received: host.received,
      ended: (error) => ended(current, error),
    });
    link = current;
    current.dial();
  };

  return {
    status: () => status,
    bufferedAmount: () => link?.bufferedAmount() ?? 0,
    prove() {
      isProven = true;
    },
    enter(operation, isPatient, isUrgent, ready) {
      if (operation.isSettled) return;
      const waiter = { operation, isPatient, ready };
      const isIdle = !link && !timer;
      if (status.startsWith('clos')) operation.reject(closedError());
      else if (status === 'connected' && link!.isOpen()) serve(waiter, link!);
      else if (isIdle && !isPatient && !isUrgent)
        operation.reject(new DisconnectedError('not connected: call connect()'));
      else {
        waiters.add(waiter);
        operation.release = () => {
          // Attempts that nobody wants any more end.
          if (waiters.delete(waiter) && !waiters.size && !isEstablished) abandon();
        };
        if (isIdle || (!link && isUrgent)) dial();
      }
    },
    stop() {
      if (status !== 'connected') abandon();
      status = 'closing';
      dismiss(closedError());
    },
    async end() {
      await new Promise<void>((resolve) => {
        whenEnded = resolve;
        if (link) link.end();
        else resolve();
      });
      status = 'closed';
    },
  };
}
