import type { Failures } from '../failures.js';
import type { Counts } from '../reports.js';

/** Counts the running work of one application, which must end before the application is closed. */
export class Ledger {
  /** True while the providers of the application can be used. */
  #isOpen = true;
  #handlers = 0;
  #hooks = 0;
  #connected = 0;
  #disconnected = 0;

  constructor(
    private readonly counts: Counts,
    private readonly failures: Failures,
  ) {}

  /** Runs the work of a handler. The providers must be usable from its start to its end. */
  handle<Result>(name: string, work: () => Result): Result {
    this.counts.handlers++;
    return this.#track(name, work, (change) => (this.#handlers += change));
  }

  /** Runs a `handleConnection`. */
  async connect(work: () => Promise<void>): Promise<void> {
    this.#connected++;
    await this.#track('handleConnection', work, (change) => (this.#hooks += change));
  }

  /** Runs a `handleDisconnect`. */
  async disconnect(work: () => Promise<void>): Promise<void> {
    this.#disconnected++;
    await this.#track('handleDisconnect', work, (change) => (this.#hooks += change));
  }

  /** Called when the application destroys its providers. */
  destroy(): void {
    this.#isOpen = false;
    this.#expectNothing('when providers were destroyed');
  }

  fail(text: string): void {
    this.failures.add(text);
  }

  /** True if no work runs, and all clients have left. */
  get isQuiet(): boolean {
    return this.#handlers === 0 && this.#hooks === 0 && this.#connected === this.#disconnected;
  }

  /** Called when the application is closed. */
  close(): void {
    if (this.#isOpen) this.fail('an application was closed without destroying its providers');
    this.#expectNothing('when the application was closed');
    if (this.#connected !== this.#disconnected) {
      this.fail(`${this.#connected} handleConnection, but ${this.#disconnected} handleDisconnect`);
    }
  }

  #expectNothing(when: string): void {
    if (this.#handlers > 0) this.fail(`${this.#handlers} handlers still ran ${when}`);
    if (this.#hooks > 0) this.fail(`${this.#hooks} connection hooks still ran ${when}`);
  }

  #track<Result>(name: string, work: () => Result, count: (change: 1 | -1) => void): Result {
    const end = () => {
      count(-1);
      this.#expectOpen(`${name} ended`);
    };
    count(1);
    this.#expectOpen(`${name} began`);
    let result: Result;
    try {
      result = work();
    } catch (error) {
      end();
      throw error;
    }
    if (result instanceof Promise) return result.finally(end) as Result;
    end();
    return result;
  }

  #expectOpen(what: string): void {
    if (!this.#isOpen) this.fail(`${what} when providers were destroyed already`);
  }
}
