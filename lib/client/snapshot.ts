import { callSafely } from './client-events.js';
import type { ClientSession } from './client-session.js';
import type { ClientStatus } from './connector.js';

/** The state of a client at one moment. It is immutable. */
export interface ClientSnapshot {
  readonly status: ClientStatus;
  readonly session: ClientSession | null;
  /** The reason why there is no connection: the error of the last connection or attempt. `undefined` while connected. */
  readonly error: Error | undefined;
}

/** Keeps the snapshot of a client, and calls listeners when it has changed. */
export class Snapshots {
  readonly #listeners = new Set<() => unknown>();
  #current: ClientSnapshot | undefined;
  /** The snapshot of which the listeners were notified last. */
  #notified: ClientSnapshot | undefined;
  #isPending = false;

  constructor(
    private readonly read: () => ClientSnapshot,
    private readonly report: (error: unknown) => void,
  ) {}

  /** Returns the same object until something has changed. */
  get(): ClientSnapshot {
    const now = this.read();
    const names = Object.keys(now) as (keyof ClientSnapshot)[];
    if (names.some((name) => this.#current?.[name] !== now[name])) this.#current = Object.freeze(now);
    return this.#current!;
  }

  subscribe(listener: () => unknown): () => void {
    // Another object for each call, because a listener may be added twice.
    const call = () => listener();
    this.#listeners.add(call);
    this.#notified ??= this.get();
    return () => void this.#listeners.delete(call);
  }

  /** Something may have changed. Listeners are called once for all changes of the same task. */
  changed(): void {
    if (this.#isPending) return;
    this.#isPending = true;
    const notify = () => {
      this.#isPending = false;
      if (this.#notified === this.get()) return;
      this.#notified = this.#current;
      // A listener may add and remove others.
      const called = [...this.#listeners];
      for (const listener of called) callSafely(listener, this.report);
    };
    void Promise.resolve().then(notify);
  }
}
