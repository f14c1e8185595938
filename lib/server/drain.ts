import type { ServerLogger } from '../common/logger.js';
import { CLOSE_TIMEOUT } from '../common/timeout.js';
import { SHUTDOWN_REASON } from '../protocol/limits.js';
import type { SessionService } from '../session/session-service.js';
import { ActiveHandlers } from './active-handlers.js';
import type { WebwireConnection } from './connection.js';

/** The cause with which a server that shuts down closes its connections. */
const SHUTDOWN = { code: 1001, text: SHUTDOWN_REASON, reason: 'shutdown' } as const;

/** The same for connections whose handlers it does not wait for: their requests may have been handled. */
const CUT_SHORT = { ...SHUTDOWN, text: 'server shutting down, handlers did not end in time' } as const;

/**
 * Closes the connections of one server when the work on them has ended. Counts the work to wait for: running handlers,
 * and pending connection hooks and handshake guards.
 */
export class Drain {
  readonly activeHandlers = new ActiveHandlers(() => this.#onChange?.());
  #pendingHooks = 0;
  #onChange: (() => void) | undefined;

  constructor(
    private readonly connections: ReadonlySet<WebwireConnection>,
    /** In milliseconds. */
    private readonly timeout: number,
    private readonly logger: ServerLogger,
  ) {}

  /** Called when a connection hook or a handshake guard starts. */
  hookStarted(): void {
    this.#pendingHooks++;
  }

  /** Called when a connection hook or a handshake guard has ended. */
  readonly hookEnded = (): void => {
    this.#pendingHooks--;
    this.#onChange?.();
  };

  /**
   * Waits for the running handlers, ends streams, closes the connections, then waits for hooks and session operations.
   * @returns False if the timeout has ended the wait.
   */
  async run(sessions: SessionService | null): Promise<boolean> {
    for (const connection of this.connections) {
      connection.refuseWaiting();
      connection.abortStreams();
    }
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#onChange?.();
    }, this.timeout);
    await this.#until(() => isLate || this.activeHandlers.running === 0);
    for (const connection of this.connections) {
      connection.refuseWaiting();
      connection.shutDownStreams();
      connection.end(SHUTDOWN);
    }
    await this.#until(() => isLate || this.#isFinished());
    // The application may close sessions without a connection. It must not lose its session store before that ends.
    let isSettled = !sessions;
    void sessions?.settled().finally(() => {
      isSettled = true;
      this.#onChange?.();
    });
    await this.#until(() => isLate || isSettled);
    clearTimeout(timer);
    if (isLate) await this.#cutShort();
    return !isLate;
  }

  /** Closes the connections on which handlers still run, and waits for a short time for their clients, streams and hooks. */
  async #cutShort(): Promise<void> {
    this.logger.warn(
      `Shutdown did not finish within ${this.timeout} ms: ${this.activeHandlers.running} handlers still run, ` +
        `${this.#pendingHooks} connection hooks are pending, ${this.connections.size} connections are cut`,
    );
    if (this.connections.size === 0) return;
    // The sources of streams were stopped. Their `finally` blocks may need what the application is about to close.
    let streaming = [...this.connections].filter(({ openStreams }) => openStreams > 0);
    for (const connection of this.connections) connection.cut(CUT_SHORT);
    let isOver = false;
    const terminating = setTimeout(() => {
      streaming = [];
      for (const connection of this.connections) connection.terminate();
      this.#onChange?.();
    }, CLOSE_TIMEOUT);
    // Disconnect hooks get as much time again.
    const givingUp = setTimeout(() => {
      isOver = true;
      this.#onChange?.();
    }, 2 * CLOSE_TIMEOUT);
    const areStopped = () => streaming.every(({ openStreams }) => openStreams === 0);
    await this.#until(() => isOver || (this.#isFinished() && areStopped()));
    clearTimeout(terminating);
    clearTimeout(givingUp);
  }

  /** True if all connections are gone, and their hooks have ended. */
  #isFinished(): boolean {
    return this.connections.size === 0 && this.#pendingHooks === 0;
  }

  /** Has one caller at a time: `#onChange` holds one condition. */
  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#onChange = () => {
        if (condition()) resolve();
      };
      this.#onChange();
    });
  }
}
