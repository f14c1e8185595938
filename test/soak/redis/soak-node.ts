import { createHash } from 'node:crypto';
import { RedisCluster, type RedisClient } from 'nestjs-webwire/redis';
import type { Random } from '../load/random.js';

/** The longest pause between two actions, in ms. */
const PAUSE = 25;
const MAX_PLACES = 500;
export const GROUPS = Array.from({ length: 200 }, (_, index) => `group ${index}`);

const SIGNAL_UTF8 = 64;

/** The application that a `RedisCluster` serves, and types of its methods. */
type Application = Parameters<RedisCluster['start']>[0];
type Change = Parameters<Application['groupsChanged']>[0][number];
type Entry = NonNullable<Change['now']>;

const SESSIONS = 300;
/** The time after which sessions get new names, in ms, as a session that was closed never comes back. */
const SESSION_LIFETIME = 5_000;

/** Returns the name of a present session. All nodes with the same `beganAt` have the same sessions. */
export function sessionName(beganAt: number, random: Random): string {
  return `session ${random.between(0, SESSIONS - 1)} of ${Math.floor((Date.now() - beganAt) / SESSION_LIFETIME)}`;
}

/** Returns a key in the slot of the channel of a group. The channel's name contains a digest of the group's name. */
export function slotKeyOf(group: string): string {
  return `{${createHash('sha256').update(Buffer.from(group, 'utf16le')).digest('base64url')}}`;
}

/** Returns the bytes of a signal (PROTOCOL.md, section 2). */
function signalOf(text: string): Buffer {
  return Buffer.concat([Buffer.from([SIGNAL_UTF8, 1]), Buffer.from(`x${text}`)]);
}

/** Describes a member of a group, so that two members can be compared. */
function describe(group: string, { connectionId, info }: Entry): string {
  return `${connectionId} (${JSON.stringify(info)}) in ${group}`;
}

/** A node that takes and gives back places in sessions, and joins and leaves groups, at random; and its part of the model. */
export class SoakNode {
  /** The places that this node has according to the answers that it got. */
  readonly places = new Map<string, Set<string>>();
  readonly groups = new Map<string, Entry>();
  /** The texts of the signals that have arrived. */
  readonly received = new Set<string>();
  readonly tally = { done: 0, refused: 0, disconnected: 0 };
  readonly cluster: RedisCluster;
  /** The members on other nodes according to the changes that were reported. */
  readonly #seen = new Map<string, Entry>();
  /** Reported changes that do not fit what was reported before. */
  readonly #mistakes: string[] = [];
  readonly #asking = new Map<string, { isClosed: boolean }>();
  #running: Promise<void> | undefined;
  #isOver = false;
  #count = 0;

  constructor(
    readonly name: string,
    client: RedisClient,
    timeouts: { nodeTimeout: number; commandTimeout: number },
    private readonly random: Random,
    private readonly beganAt: number,
    private readonly log: (line: string) => void,
  ) {
    this.cluster = new RedisCluster({ client, ...timeouts });
    this.cluster.on('disconnected', () => this.tally.disconnected++);
  }

  /** Starts the node, which acts until `end()` is called. */
  async start(): Promise<void> {
    const ignore = () => undefined;
    const application: Application = {
      logger: { log: this.log, debug: ignore, warn: this.log, error: this.log },
      connected: ignore,
      receive: (_target, message) => void this.received.add(Buffer.from(message).toString('latin1').slice(3)),
      sessionClosed: (session) => this.#sessionClosed(session),
      entries: (group) => (this.groups.has(group) ? [this.groups.get(group)!] : []),
      allEntries: () => this.groups,
      groupsChanged: (changes) => {
        for (const change of changes) this.#groupChanged(change);
      },
    };
    await this.cluster.start(application);
    this.cluster.presence.watch();
    this.#running = this.#run();
  }

  /** Resolves when the last action has ended. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  /** The number of places that this node has according to the model. */
  get size(): number {
    return [...this.places.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** The members of groups that this node has. */
  get members(): string[] {
    return [...this.groups].map(([group, entry]) => describe(group, entry));
  }

  /** The members of groups on other nodes according to the changes that were reported, with the mistakes in these. */
  get seen(): string[] {
    return [
      ...[...this.#seen].map(([key, entry]) => describe(key.slice(key.indexOf('/') + 1), entry)),
      ...this.#mistakes,
    ];
  }

  /** Asks the other nodes for their members of all groups. */
  async inquire(): Promise<string[]> {
    const listed = await Promise.all(
      GROUPS.map(async (group) => {
        const entries = await this.cluster.presence.entries(group);
        return entries.map((entry) => describe(group, entry));
      }),
    );
    return listed.flat();
  }

  /** Sends a signal to each group. Its text is `<check> <name of this node> <group>`. */
  signalAll(check: number): void {
    for (const group of GROUPS) this.#signal(group, `${check} ${this.name} ${group}`);
  }

  async #run(): Promise<void> {
    const acting = new Set<Promise<void>>();
    while (!this.#isOver) {
      const action = this.#act().catch(() => void this.tally.refused++);
      acting.add(action);
      void action.finally(() => acting.delete(action));
      await new Promise((resolve) => setTimeout(resolve, this.random.between(0, PAUSE)));
    }
    await Promise.all(acting);
  }

  async #act(): Promise<void> {
    const { random } = this;
    const isFull = this.size > MAX_PLACES;
    const session = sessionName(this.beganAt, random);
    const group = random.pick(GROUPS);
    const action = random.weigh<() => unknown>([
      [isFull ? 0 : 6, () => this.#take(session, random.chance(0.5) ? 4 : Infinity)],
      [4, () => this.#giveBack(random.chance(0.5))],
      [0.3, () => this.#closeAll(session)],
      [4, () => this.#join(group)],
      [3, () => this.#leave(group)],
      [3, () => this.#signal(group, '')],
    ]);
    await action();
    this.tally.done++;
  }

  #signal(group: string, text: string): void {
    this.cluster.publish({ kind: 'group', group }, signalOf(text), []);
  }

  /** Joins a group, or replaces the info of the member that is there. */
  #join(group: string): void {
    const before = this.groups.get(group);
    const info = this.#count++;
    const now = {
      connectionId: before?.connectionId ?? `${this.name}.${process.pid}.${info}`,
      joinedAt: Date.now(),
      info,
    };
    this.groups.set(group, now);
    if (!before) this.cluster.join(group);
    this.cluster.presence.changed({ group, before, now });
  }

  #leave(group: string): void {
    const before = this.groups.get(group);
    if (!before) return;
    this.groups.delete(group);
    this.cluster.leave(group);
    this.cluster.presence.changed({ group, before, now: undefined });
  }

  #groupChanged({ group, before, now }: Change): void {
    const key = `${(before ?? now)!.connectionId}/${group}`;
    const [expected, reported] = [this.#seen.get(key)?.info, before?.info];
    if (expected !== reported)
      this.#mistakes.push(`a change of ${key} from ${JSON.stringify(reported)}, not ${JSON.stringify(expected)}`);
    if (now) this.#seen.set(key, now);
    else this.#seen.delete(key);
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
