import { createHash } from 'node:crypto';
import { RedisCluster, type RedisClient } from 'nestjs-webwire/redis';
import type { Random } from '../load/random.js';

/** Waits this long between two actions at most, in ms. */
const PAUSE = 25;
const GROUPS = 200;
const MAX_PLACES = 500;

const SIGNAL_UTF8 = 64;

/** What `RedisCluster` and its application agree on. */
type Application = Parameters<RedisCluster['start']>[0];

/** Names something in the slot of the channel of a group, whose name is digested there. */
function slotKeyOf(group: string): string {
  return `{${createHash('sha256').update(Buffer.from(group, 'utf16le')).digest('base64url')}}`;
}

/** A whole signal (PROTOCOL.md, section 2). */
export function signalOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([SIGNAL_UTF8, 1]), Buffer.from(`x${text}`)]);
}

/** A node that takes and gives back places in sessions, and joins and leaves groups, at random; and its part of the model. */
export class SoakNode {
  /** The places that this node has according to the answers that it got. */
  readonly places = new Map<string, Set<string>>();
  readonly groups = new Set<string>();
  /** The signals that have arrived since the last check. */
  readonly heard = new Set<string>();
  readonly tally = { done: 0, refused: 0, disconnected: 0 };
  readonly cluster: RedisCluster;
  readonly #asking = new Map<string, { isClosed: boolean }>();
  #isOver = false;
  #count = 0;

  constructor(
    readonly name: string,
    client: RedisClient,
    readonly timeouts: { nodeTimeout: number; commandTimeout: number },
    private readonly random: Random,
    private readonly sessionNames: () => string,
  ) {
    this.cluster = new RedisCluster({ client, ...timeouts });
    this.cluster.on('disconnected', () => this.tally.disconnected++);
  }

  async start(): Promise<void> {
    const ignore = () => undefined;
    const application: Application = {
      logger: { log: ignore, debug: ignore, warn: ignore, error: ignore },
      connected: ignore,
      receive: (_target, message) => void this.heard.add(Buffer.from(message).toString('latin1').slice(3)),
      sessionClosed: (session) => this.#sessionClosed(session),
      entries: () => [],
      allEntries: () => [],
      groupsChanged: ignore,
    };
    await this.cluster.start(application);
  }

  /** Acts until `end()` is called. */
  async run(): Promise<void> {
    const acting = new Set<Promise<void>>();
    while (!this.#isOver) {
      const action = this.#act().catch(() => void this.tally.refused++);
      acting.add(action);
      void action.finally(() => acting.delete(action));
      await new Promise((resolve) => setTimeout(resolve, this.random.between(0, PAUSE)));
    }
    await Promise.all(acting);
  }

  end(): void {
    this.#isOver = true;
  }

  /** How many places this node has according to the model. */
  get size(): number {
    return [...this.places.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Names in the slots of the sessions and groups that this node has. */
  get slotKeys(): string[] {
    return [...[...this.places.keys()].map((session) => `{${session}}`), ...[...this.groups].map(slotKeyOf)];
  }

  async #act(): Promise<void> {
    const { random, cluster } = this;
    const isFull = this.size > MAX_PLACES;
    const session = this.sessionNames();
    const action = random.weigh<() => unknown>([
      [isFull ? 0 : 6, () => this.#take(session, random.chance(0.5) ? 4 : Infinity)],
      [4, () => this.#giveBack(random.chance(0.5))],
      [0.3, () => this.#closeAll(session)],
      [4, () => this.#join(`group ${random.between(0, GROUPS - 1)}`)],
      [3, () => this.#leave(`group ${random.between(0, GROUPS - 1)}`)],
      [3, () => cluster.publish({ kind: 'group', group: `group ${random.between(0, GROUPS - 1)}` }, signalOf(''), [])],
    ]);
    await action();
    this.tally.done++;
  }

  #join(group: string): void {
    if (this.groups.has(group)) return;
    this.groups.add(group);
    this.cluster.join(group);
  }

  #leave(group: string): void {
    if (this.groups.delete(group)) this.cluster.leave(group);
  }

  async #take(session: string, limit: number): Promise<void> {
    const place = `${this.name} ${this.#count++}`;
    const asking = { isClosed: false };
    const key = `${session}/${place}`;
    this.#asking.set(key, asking);
    try {
      const result = await this.cluster.places.take(session, place, { limit, isNew: false });
      if (result !== 'taken') return;
      if (asking.isClosed) {
        await this.cluster.places.leave(session, place);
        return;
      }
      const places = this.places.get(session) ?? new Set();
      this.places.set(session, places.add(place));
    } finally {
      this.#asking.delete(key);
    }
  }

  async #giveBack(closes: boolean): Promise<void> {
    const sessions = [...this.places.keys()];
    if (sessions.length === 0) return;
    const session = this.random.pick(sessions);
    const [place] = this.places.get(session)!;
    this.#forget(session, place!);
    if (closes) await this.cluster.places.close(session, place!);
    else await this.cluster.places.leave(session, place!);
  }

  async #closeAll(session: string): Promise<void> {
    this.places.delete(session);
    this.#markClosed(session);
    await this.cluster.places.closeAll(session);
  }

  #sessionClosed(session: string): void {
    this.#markClosed(session);
    const places = this.places.get(session) ?? [];
    this.places.delete(session);
    for (const place of places) void this.cluster.places.leave(session, place);
  }

  #markClosed(session: string): void {
    for (const [key, asking] of this.#asking) if (key.startsWith(`${session}/`)) asking.isClosed = true;
  }

  #forget(session: string, place: string): void {
    const places = this.places.get(session)!;
    places.delete(place);
    if (places.size === 0) this.places.delete(session);
  }
}
