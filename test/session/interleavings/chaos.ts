import { SessionKeyGenerator, SessionManager, type SessionConnection, type SessionRecord } from 'nestjs-webwire';

/** How long something takes, in ticks of the microtask queue, and whether it fails then. */
export interface Mishap {
  readonly ticks: number;
  readonly fails: boolean;
}

/** Lets other tasks of the microtask queue run. */
export async function pass(ticks: number): Promise<void> {
  for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
}

/** What will go slowly and what will fail: everything asks for the next mishap, in turn. */
export class Chaos {
  #mishaps: readonly Mishap[] = [];
  #count = 0;

  /** Without mishaps, everything goes well and at once. */
  begin(mishaps: readonly Mishap[]): void {
    this.#mishaps = mishaps;
    this.#count = 0;
  }

  next(): Mishap {
    return this.#mishaps[this.#count++ % this.#mishaps.length] ?? { ticks: 0, fails: false };
  }
}

/** A store that takes its time and does not always do what it is told. */
export class UnreliableSessionManager extends SessionManager {
  /** What can be found. */
  readonly stored = new Map<string, SessionRecord>();
  /** The keys of all sessions there ever were, in order. */
  readonly created: string[] = [];
  /** The keys of the sessions that it was told to remove. */
  readonly destroyed = new Set<string>();
  /** Those of them that it did not remove: they can still be restored, and destroyed once more. */
  readonly leftovers = new Set<string>();
  /** What the library did against the rules. */
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

/** Makes keys that can be told apart in a report, after a while. */
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
