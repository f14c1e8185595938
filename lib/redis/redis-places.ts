import { SessionError } from '../session/session-error.js';
import type {
  MembershipRequest,
  MembershipResult,
  SessionClosing,
  SessionMembership,
} from '../session/session-membership.js';
import { encodeEnvelope } from './envelope.js';
import { findDeadEpochs, epochOf } from './epochs.js';
import type { Keys } from './keys.js';
import type { Membership } from './membership.js';
import { CLOSE_MEMBERSHIP, CLOSE_ALL, CLOSE_UNHELD, CONFIRM, PLACE_LIFETIME, TAKE } from './place-scripts.js';
import type { RedisConnection } from './redis-connection.js';
import type { ChannelSubscriptions } from './channel-subscriptions.js';

/** Places are confirmed this often, in ms. */
const CONFIRMATION_INTERVAL = PLACE_LIFETIME / 3;

/** How many places are told to Redis at once. */
const MEMBERSHIP_BATCH = 500;

interface Held {
  readonly session: string;
  readonly place: string;
  /** The epoch in which it is registered in Redis; `''` for none. */
  epoch: string;
  confirmedAt: number;
}

/** The interest of this node in one session. */
interface Interest {
  readonly held: Map<string, Held>;
  /** How many places are just being asked for. */
  pending: number;
}

/** The node of the places. */
export interface PlacesHost {
  readonly commands: RedisConnection;
  readonly keys: Keys;
  readonly membership: Membership;
  readonly subscriptions: ChannelSubscriptions;
  /** The session of a place was closed elsewhere, which did not come through. */
  sessionClosed(session: string): void;
}

/** The places in sessions, in Redis. Those of this node are also kept here, so that they can be registered again. */
export class RedisPlaces implements SessionMembership {
  /** By session and place, in the order in which they were confirmed. */
  readonly #held = new Map<string, Held>();
  /** The places of this node in each session that it subscribes to. */
  readonly #sessions = new Map<string, Interest>();

  constructor(private readonly host: PlacesHost) {}

  /** How many places Redis has in the present epoch. */
  get registered(): number {
    let registered = 0;
    for (const { epoch } of this.#held.values()) if (epoch === this.host.membership.epoch) registered++;
    return registered;
  }

  /** How many places this node has. */
  get size(): number {
    return this.#held.size;
  }

  async take(session: string, place: string, request: MembershipRequest): Promise<MembershipResult> {
    if (this.#held.has(nameOf(session, place))) return this.#take(session, place, request);
    this.#subscribe(session);
    // Whoever needs no answer of others has a place from now on, and Redis is told when that is possible.
    if (request.isNew || request.limit === Infinity) {
      const held = this.#hold(session, place, '');
      this.#answered(session);
      this.#tell(async () => {
        await this.host.subscriptions.add(this.host.keys.sessionChannel(session));
        await this.#confirm(held);
      });
      const result = await this.#take(session, place, request).catch(() => 'taken' as const);
      if (result !== 'taken') await this.leave(session, place);
      return result;
    }
    try {
      const result = await this.#take(session, place, request);
      if (result === 'taken') this.#hold(session, place, this.host.membership.epoch);
      return result;
    } finally {
      this.#answered(session);
    }
  }

  async leave(session: string, place: string): Promise<void> {
    const { keys, commands } = this.host;
    if (!this.#release(session, place)) return;
    // Redis is told all that is left when it is back.
    await this.#ask(() => commands.ask('srem', keys.places(session), this.#member(place))).catch(() => undefined);
  }

  async close(session: string, place: string): Promise<boolean> {
    this.#release(session, place);
    const { keys, commands, membership } = this.host;
    if (membership.isSettling) {
      // Whoever is not known yet may have it: it is left for later to tell whether this was the last.
      await this.#ask(() => commands.ask('srem', keys.places(session), this.#member(place)));
      if ((await this.count(session)) > 0) return false;
      throw unavailable();
    }
    return this.#untilNoneIsDead(async (dead) => {
      const args = [this.#member(place), membership.nodeId, PLACE_LIFETIME, ...dead];
      const answer = await this.#run(CLOSE_MEMBERSHIP, [keys.places(session), keys.closed(session)], args);
      const [isLast, others] = answer as [number, string[]?];
      return { result: isLast === 1, others: others ?? [] };
    });
  }

  async closeAll(session: string): Promise<SessionClosing> {
    for (const place of this.#sessions.get(session)?.held.keys() ?? []) this.#release(session, place);
    const { keys, membership } = this.host;
    const envelope = encodeEnvelope({ origin: membership.nodeId, closedSession: session });
    const channels = [keys.places(session), keys.closed(session), keys.sessionChannel(session)];
    const members = (await this.#run(CLOSE_ALL, channels, [membership.nodeId, PLACE_LIFETIME, envelope])) as string[];
    // Whoever is not known yet would not learn of it.
    if (members.length === 0 && membership.isSettling) throw unavailable();
    return { connections: await this.#countAlive(members), isLast: members.length > 0 };
  }

  async closeUnheld(session: string): Promise<boolean> {
    const { keys, membership } = this.host;
    if (membership.isSettling) throw unavailable();
    return this.#untilNoneIsDead(async (dead) => {
      const args = [membership.nodeId, PLACE_LIFETIME, ...dead];
      const answer = await this.#run(CLOSE_UNHELD, [keys.places(session), keys.closed(session)], args);
      const [isClosed, others] = answer as [number, string[]?];
      return { result: isClosed === 1, others: others ?? [] };
    });
  }

  async count(session: string): Promise<number> {
    const places = await this.#ask(() => this.host.commands.ask('smembers', this.host.keys.places(session)));
    return this.#countAlive(places as string[]);
  }

  /**
   * Tells Redis all places in the present epoch; those that come and go meanwhile tell it themselves, so
   * that it comes to an end however many there are. @throws RedisUnavailableError
   */
  async resynchronize(renew: () => Promise<void>): Promise<void> {
    const { membership } = this.host;
    const unknown = [...this.#held.values()].filter(({ epoch }) => epoch !== membership.epoch);
    for (let first = 0; first < unknown.length; first += MEMBERSHIP_BATCH) {
      await Promise.all(unknown.slice(first, first + MEMBERSHIP_BATCH).map((held) => this.#confirm(held)));
      await renew();
    }
  }

  /** Confirms the places in sessions of which messages may have been missed. @throws RedisUnavailableError */
  async confirmAll(sessions: readonly string[]): Promise<void> {
    const held = sessions.flatMap((session) => [...(this.#sessions.get(session)?.held.values() ?? [])]);
    for (let first = 0; first < held.length; first += MEMBERSHIP_BATCH) {
      await Promise.all(held.slice(first, first + MEMBERSHIP_BATCH).map((place) => this.#confirm(place)));
    }
  }

  /** Confirms those places that were not confirmed for long. @throws RedisUnavailableError */
  async confirmOldest(): Promise<void> {
    const latest = performance.now() - CONFIRMATION_INTERVAL;
    const due: Held[] = [];
    for (const held of this.#held.values()) {
      if (held.confirmedAt > latest || due.length === MEMBERSHIP_BATCH) break;
      due.push(held);
    }
    await Promise.all(due.map((held) => this.#confirm(held)));
  }

  async #take(session: string, place: string, { limit, isNew }: MembershipRequest): Promise<MembershipResult> {
    const { keys, membership, subscriptions } = this.host;
    if (limit !== Infinity && !isNew && membership.isSettling) throw unavailable();
    // First of all, so that nothing is missed from the moment on in which others know of the place.
    if (membership.isConnected) await this.#ask(async () => subscriptions.add(keys.sessionChannel(session)));
    const highest = isNew ? 1 : limit === Infinity ? -1 : limit;
    return this.#untilNoneIsDead(async (dead) => {
      const args = [this.#member(place), highest, isNew ? 1 : 0, PLACE_LIFETIME, ...dead];
      const answer = await this.#run(TAKE, [keys.places(session), keys.closed(session)], args);
      const [outcome, others] = answer as [number, string[]?];
      const held = this.#held.get(nameOf(session, place));
      if (outcome === 1 && held) this.#confirmed(held, membership.epoch);
      return { result: outcome === 1 ? 'taken' : outcome === 0 ? 'full' : 'closed', others: others ?? [] };
    });
  }

  /**
   * Runs what gives a result and the places of others that led to it. As long as some of these are of dead nodes, it is
   * run again without them.
   */
  async #untilNoneIsDead<T>(
    run: (dead: readonly string[]) => Promise<{ result: T; others: readonly string[] }>,
  ): Promise<T> {
    const dead: string[] = [];
    for (;;) {
      const { result, others } = await run(dead);
      const found = await this.#findDead(others);
      if (found.length === 0) return result;
      dead.push(...found);
    }
  }

  /** Finds the epochs of some places that are certainly dead. */
  #findDead(members: readonly string[]): Promise<string[]> {
    const { membership, keys, commands } = this.host;
    const others = new Set(members.map(epochOf));
    others.delete(membership.epoch);
    return findDeadEpochs(others, membership.canJudge, keys, commands, (operation) => this.#ask(operation));
  }

  async #countAlive(members: readonly string[]): Promise<number> {
    const dead = new Set(await this.#findDead(members));
    return members.filter((member) => !dead.has(epochOf(member))).length;
  }

  async #confirm(held: Held): Promise<void> {
    const { session, place, epoch } = held;
    const { keys, commands, membership } = this.host;
    const present = membership.epoch;
    const name = nameOf(session, place);
    if (this.#held.get(name) !== held) return;
    const member = `${present}/${place}`;
    const before = epoch === '' ? member : `${epoch}/${place}`;
    const answer = await commands.run(
      CONFIRM,
      [keys.places(session), keys.closed(session)],
      [member, before, PLACE_LIFETIME],
    );
    if (answer === 0) {
      if (this.#forget(session, place)) this.host.sessionClosed(session);
    } else if (this.#held.get(name) === held) {
      this.#confirmed(held, present);
    } else if (!this.#held.has(name)) {
      // It was given back meanwhile.
      await commands.ask('srem', keys.places(session), member);
    }
  }

  /** @param epoch The one that it was registered in; the node may have begun another one meanwhile. */
  #confirmed(held: Held, epoch: string): void {
    const name = nameOf(held.session, held.place);
    held.epoch = epoch;
    held.confirmedAt = performance.now();
    this.#held.delete(name);
    this.#held.set(name, held);
  }

  #hold(session: string, place: string, epoch: string): Held {
    const held = { session, place, epoch, confirmedAt: performance.now() };
    this.#held.set(nameOf(session, place), held);
    this.#sessions.get(session)!.held.set(place, held);
    return held;
  }

  /** Whether there was one. */
  #release(session: string, place: string): boolean {
    if (!this.#forget(session, place)) return false;
    const { keys, commands } = this.host;
    this.#tell(() => commands.ask('srem', keys.places(session), this.#member(place)));
    return true;
  }

  /** While this node is coming back, tells Redis what has changed since that has begun. */
  #tell(operation: () => Promise<unknown>): void {
    const { membership } = this.host;
    if (membership.isJoining) operation().catch((error: Error) => membership.fail(error.message));
  }

  #forget(session: string, place: string): boolean {
    if (!this.#held.delete(nameOf(session, place))) return false;
    this.#sessions.get(session)!.held.delete(place);
    this.#unsubscribeIfUnused(session);
    return true;
  }

  /** Subscribes to the channel of a session until `#answered()`, and for as long as this node has a place in it. */
  #subscribe(session: string): void {
    const interest = this.#sessions.get(session);
    if (interest) interest.pending++;
    else this.#sessions.set(session, { held: new Map(), pending: 1 });
    this.host.subscriptions.add(this.host.keys.sessionChannel(session)).catch(() => undefined);
  }

  #answered(session: string): void {
    this.#sessions.get(session)!.pending--;
    this.#unsubscribeIfUnused(session);
  }

  #unsubscribeIfUnused(session: string): void {
    const { held, pending } = this.#sessions.get(session)!;
    if (held.size > 0 || pending > 0) return;
    this.#sessions.delete(session);
    this.host.subscriptions.remove(this.host.keys.sessionChannel(session));
  }

  #member(place: string): string {
    return `${this.host.membership.epoch}/${place}`;
  }

  #run(...args: Parameters<RedisConnection['run']>): Promise<unknown> {
    return this.#ask(() => this.host.commands.run(...args));
  }

  /**
   * On an error or timeout the node starts a new epoch, because the command may or may not have been executed.
   * @throws SessionError `CLUSTER_UNAVAILABLE`
   */
  async #ask<T>(operation: () => Promise<T>): Promise<T> {
    const { membership } = this.host;
    const { epoch } = membership;
    membership.lapse();
    // Nothing was sent, so this does not keep a node from coming back, however many ask.
    if (!membership.isConnected) throw unavailable();
    let answer: T;
    try {
      answer = await operation();
    } catch (error) {
      membership.fail((error as Error).message);
      throw unavailable();
    }
    if (membership.epoch === epoch && membership.isConnected) return answer;
    membership.fail('its lease may have run out');
    throw unavailable();
  }
}

function nameOf(session: string, place: string): string {
  return `${session}/${place}`;
}

function unavailable(): SessionError {
  return new SessionError('CLUSTER_UNAVAILABLE', 'the other nodes cannot be reached: Redis does not answer');
}
