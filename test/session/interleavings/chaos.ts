import { SessionKeyGenerator, SessionManager, type SessionConnection, type SessionRecord } from 'nestjs-webwire';

/** Delays an operation by ticks of the microtask queue, and may fail it. */
export interface Mishap {
  readonly ticks: number;
  readonly fails: boolean;
}

/** Lets other tasks of the microtask queue run. */
export async function pass(ticks: number): Promise<void> {
  for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
}

/** Gives each operation of the store and the key generator the next of a list of mishaps. */
export class Chaos {
  #mishaps: readonly Mishap[] = [];
  #count = 0;

  /** Without mishaps, all operations succeed at once. */
  begin(mishaps: readonly Mishap[]): void {
    this.#mishaps = mishaps;
    this.#count = 0;
  }

  next(): Mishap {
    return this.#mishaps[this.#count++ % this.#mishaps.length] ?? { ticks: 0, fails: false };
  }
}

/** A session store that may be slow or fail. */
export class UnreliableSessionManager extends SessionManager {
  /** The stored sessions by key. */
  readonly stored = new Map<string, SessionRecord>();
  /** The keys of all sessions that were created, in order. */
  readonly created: string[] = [];
  /** The keys of the sessions that the server destroyed. */
  readonly destroyed = new Set<string>();
  /** Those of them that the store has not removed. They can still be restored, and destroyed once more. */
  readonly leftovers = new Set<string>();
  /** Violations of the manager's contract by the server. */
  readonly faults: string[] = [];
  readonly #busy = new Set<string>();

  constructor(private readonly chaos: Chaos) {
    super();
  }

  begin(): void {
    this.stored.clear();
    this.created.length = 0;
    this.destroyed.clear();
    this.leftovers.clear();
    this.faults.length = 0;
  }

  get isBusy(): boolean {
    return this.#busy.size > 0;
  }

  onSessionCreated({ session }: SessionConnection): Promise<void> {
    const { key, createdAt, lastLookupAt, info } = session!;
    this.created.push(key);
    return this.#alone(key, () => void this.stored.set(key, { createdAt, lastLookupAt, info }));
  }

  onSessionLookup(key: string): Promise<SessionRecord | null> {
    return this.#alone(key, () => this.stored.get(key) ?? null);
  }

  async onSessionClosed(key: string): Promise<void> {
    if (this.destroyed.has(key) && !this.leftovers.has(key)) this.faults.push(`${key} was destroyed twice`);
    this.destroyed.add(key);
    this.leftovers.add(key);
    await this.#alone(key, () => this.stored.delete(key));
    this.leftovers.delete(key);
  }

  async #alone<T>(key: string, task: () => T): Promise<T> {
    if (this.#busy.has(key)) this.faults.push(`two hooks ran for ${key} at once`);
    this.#busy.add(key);
    const { ticks, fails } = this.chaos.next();
    await pass(ticks);
    this.#busy.delete(key);
    if (fails) throw new Error('the store is down');
    return task();
  }
}

/** Makes numbered keys after a delay, so that a report shows which is which. */
export class SlowKeyGenerator extends SessionKeyGenerator {
  #count = 0;

  constructor(private readonly chaos: Chaos) {
    super();
  }

  async generate(): Promise<string> {
    await pass(this.chaos.next().ticks);
    return `session-${++this.#count}`;
  }
}
