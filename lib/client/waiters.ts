import type { ClientConnection } from './connection.js';
import type { Operation } from './operation.js';

/** Needs a connection: `connect()`, or a request or signal to be sent. */
export interface Waiter {
  readonly operation: Pick<Operation<never>, 'isSettled' | 'reject' | 'release' | 'obstacle'>;
  /** Whether an attempt that fails is no reason to give up. */
  readonly isPatient: boolean;
  /** Whether it is `connect()`, which asks for an attempt now and has nothing to send. */
  readonly isUrgent: boolean;
  /** Called with the connection. An error that it throws rejects the operation. */
  readonly ready: (connection: ClientConnection) => void;
}

/** The operations that wait for a connection, in the order in which they came. */
export class Waiters {
  readonly #waiters = new Set<Waiter>();
  #queued = 0;

  /** How many operations wait. */
  get size(): number {
    return this.#waiters.size;
  }

  /** How many requests and signals wait. */
  get queued(): number {
    return this.#queued;
  }

  add(waiter: Waiter): void {
    this.#waiters.add(waiter);
    if (!waiter.isUrgent) this.#queued++;
  }

  /** @returns Whether it waited. */
  delete(waiter: Waiter): boolean {
    const hasWaited = this.#waiters.delete(waiter);
    if (hasWaited && !waiter.isUrgent) this.#queued--;
    return hasWaited;
  }

  serveAll(connection: ClientConnection): void {
    for (const waiter of this.#waiters) {
      this.delete(waiter);
      serve(waiter, connection);
    }
  }

  /** Rejects the operations that are concerned: all, unless `isConcerned` says which. */
  dismiss(error: Error, isConcerned: (waiter: Waiter) => boolean = () => true): void {
    for (const waiter of this.#waiters) {
      if (isConcerned(waiter)) {
        this.delete(waiter);
        waiter.operation.reject(error);
      }
    }
  }
}

export function serve({ operation, ready }: Waiter, connection: ClientConnection): void {
  operation.obstacle = undefined;
  try {
    ready(connection);
  } catch (error) {
    operation.reject(error);
  }
}
