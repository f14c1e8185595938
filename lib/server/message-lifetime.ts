import { getEventListeners, setMaxListeners } from 'node:events';
import type { TraceContext } from '../protocol/extensions.js';
import type { AsyncScope } from './async-scope.js';
import type { Demand } from './extensions/demand.js';
import type { ConnectionLifetime, Endable } from './connection-lifetime.js';
import type { OutcomeListener } from './tracing/outcome.js';

/**
 * Reports to the handler of one message that its result is no longer needed: the connection is gone, or the client has given
 * the request up. Has what else only few messages need. Made on first use, as most handlers do not use it.
 */
export class MessageLifetime {
  #isOver: boolean;
  #isAborted: boolean;
  #listeners: Set<() => void> | undefined;
  #controller: AbortController | undefined;
  #isSettled = false;
  /** True if the client has given the request up, or the server has answered it before its handler has ended. */
  isAnswered = false;
  /** For a stream, what its source has to respect. */
  demand: Demand | undefined;
  /** The trace that the client's span belongs to. */
  trace: TraceContext | undefined;
  /** Publishes the outcome of a message that is traced. */
  outcomeListener: OutcomeListener | undefined;
  /** The asynchronous context of the handler of a message that is traced. */
  scope: AsyncScope | undefined;

  /** @param message Gets the end of the connection, which it passes on to this. */
  constructor(
    private readonly connection: ConnectionLifetime,
    private readonly message: Endable,
  ) {
    this.#isOver = connection.isOver;
    this.#isAborted = connection.isOver;
    if (!this.#isOver) connection.add(message);
  }

  /** True if the result is no longer needed. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** True if the signal has aborted, which may be before the result is no longer needed. */
  get isAborted(): boolean {
    return this.#isAborted;
  }

  /** True if the handler has asked for the signal. */
  get hasAbortSignal(): boolean {
    return this.#controller !== undefined;
  }

  get abortSignal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      // A handler may pass the signal to any number of calls, so that Node's warning about many listeners would be wrong.
      setMaxListeners(0, this.#controller.signal);
      if (this.#isAborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** Calls `listener` once, when the result is no longer needed. It must not throw. */
  add(listener: () => void): void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
  }

  remove(listener: () => void): void {
    this.#listeners?.delete(listener);
    if (this.#isSettled) this.#leaveUnused();
  }

  /** Aborts the signal, so that the handler may end by itself. */
  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort();
  }

  /** Called when the result is no longer needed. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.connection.remove(this.message);
    this.abort();
    this.outcomeListener?.lost();
    for (const listener of this.#listeners ?? []) listener();
    this.#listeners = undefined;
  }

  /** Called when the handler has ended. Work that it has left behind still learns when the connection ends. */
  settle(): void {
    this.#isSettled = true;
    this.#leaveUnused();
  }

  /** A long connection must not keep an entry for each message that it has ever carried. */
  #leaveUnused(): void {
    if (this.#isOver || this.#listeners?.size) return;
    if (this.#controller && getEventListeners(this.#controller.signal, 'abort').length > 0) return;
    this.connection.remove(this.message);
  }
}
