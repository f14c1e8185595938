import type { ClientConnection } from './connection.js';
import type { Operation } from './operation.js';

/** An operation that needs a connection: `connect()`, a request or a signal. */
export interface Waiter {
  readonly operation: Pick<Operation<never>, 'isSettled' | 'reject' | 'release' | 'obstacle'>;
  /** `true` if the operation waits for the next attempt to connect when one has failed. */
  readonly canRetry: boolean;
  /** `true` for `connect()`, which starts an attempt without a delay and sends nothing. */
  readonly isConnect: boolean;
  /** Called with the connection. If it throws, the operation is rejected with the error. */
  readonly ready: (connection: ClientConnection) => void;
}

/** The operations that wait for a connection, in order. */
export class Waiters extends Set<Waiter> {
  /** Returns `true` if `limit` requests and signals wait. It counts them only if there may be so many. */
  isFull(limit: number): boolean {
    return this.size >= limit && [...this].filter(({ isConnect }) => !isConnect).length >= limit;
  }

  /** Serves the operations in order, as far as the connection allows. */
  serveAll(connection: ClientConnection): void {
    for (const waiter of this) {
      if (waiter.isConnect || !connection.isBlocked) {
        this.delete(waiter);
        serve(waiter, connection);
      }
    }
  }

  /** Rejects all operations, or those for which `isAffected` returns `true`. */
  reject(error: Error, isAffected: (waiter: Waiter) => boolean = () => true): void {
    for (const waiter of this) {
      if (isAffected(waiter)) {
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
