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
import {
  CLOSE_MEMBER,
  CLOSE_SESSION,
  CLOSE_EMPTY_SESSION,
  CONFIRM_MEMBER,
  MEMBER_LIFETIME,
  ADD_MEMBER,
} from './session-member-scripts.js';
import type { RedisConnection } from './redis-connection.js';
import type { ChannelSubscriptions } from './channel-subscriptions.js';

/** The interval at which each member is confirmed, in ms. */
const CONFIRMATION_INTERVAL = MEMBER_LIFETIME / 3;

/** The number of members that are registered or confirmed at once. */
const BATCH_SIZE = 500;

/** A connection of this node that is a member of a session. */
interface LocalMember {
  readonly session: string;
  readonly member: string;
  /** The epoch in which Redis has registered it; `''` for none. */
  epoch: string;
  confirmedAt: number;
}

/** A session whose channel this node subscribes to. */
interface LocalSession {
  readonly members: Map<string, LocalMember>;
  /** The number of `take()` calls that have not been answered yet. */
  pending: number;
}

/** The parts of the node that the members need. */
export interface SessionMembersHost {
  readonly commands: RedisConnection;
  readonly keys: Keys;
  readonly membership: Membership;
  readonly subscriptions: ChannelSubscriptions;
  /** Called for a session that another node has closed, if the message about it did not arrive. */
  sessionClosed(session: string): void;
}

/**
 * The members of sessions, which are kept in Redis. This node also keeps a list of its own members, to register them again
 * in each new epoch.
 *
 * A *member* is the id of a connection. Redis stores it as an *entry*: `<epoch>/<member>`.
 */
export class RedisSessionMembers implements SessionMembership {
  /** The members on this node by session and id, those first that were confirmed longest ago. */
  readonly #members = new Map<string, LocalMember>();
  readonly #sessions = new Map<string, LocalSession>();

  constructor(private readonly host: SessionMembersHost) {}

  /** The number of members on this node that Redis has registered in the present epoch. */
  get registered(): number {
    let registered = 0;
    for (const { epoch } of this.#members.values()) if (epoch === this.host.membership.epoch) registered++;
    return registered;
  }

  /** The number of members on this node. */
  get size(): number {
    return this.#members.size;
  }

  async take(session: string, member: string, request: MembershipRequest): Promise<MembershipResult> {
    if (this.#members.has(keyOf(session, member))) return this.#take(session, member, request);
    this.#subscribe(session);
    // Without a limit, the answer does not depend on other nodes: the connection is a member from now on, even while Redis
    // is away, and is registered as soon as possible.
    if (request.isNew || request.limit === Infinity) {
      const added = this.#addLocal(session, member, '');
      this.#answered(session);
      this.#runWhileReturning(async () => {
        await this.host.subscriptions.add(this.host.keys.sessionChannel(session));
        await this.#confirm(added);
      });
      const result = await this.#take(session, member, request).catch(() => 'taken' as const);
      if (result !== 'taken') await this.leave(session, member);
      return result;
    }
    try {
      const result = await this.#take(session, member, request);
      if (result === 'taken') this.#addLocal(session, member, this.host.membership.epoch);
      return result;
    } finally {
      this.#answered(session);
    }
  }

  async leave(session: string, member: string): Promise<void> {
    const { keys, commands } = this.host;
    if (!this.#release(session, member)) return;
    // While Redis is away, the entry stays there until this node returns in a new epoch.
    await this.#ask(() => commands.ask('srem', keys.sessionMembers(session), this.#entry(member))).catch(
      () => undefined,
    );
  }

  async close(session: string, member: string): Promise<boolean> {
    this.#release(session, member);
    const { keys, commands, membership } = this.host;
    if (membership.isRecovering) {
      // Other nodes may have members that are not registered again yet. So only a later call can find out whether this was
      // the last one.
      await this.#ask(() => commands.ask('srem', keys.sessionMembers(session), this.#entry(member)));
      if ((await this.count(session)) > 0) return false;
      throw unavailable();
    }
    return this.#untilNoneIsDead(async (dead) => {
      const args = [this.#entry(member), membership.nodeId, MEMBER_LIFETIME, ...dead];
      const answer = await this.#run(CLOSE_MEMBER, [keys.sessionMembers(session), keys.closed(session)], args);
      const [isLast, others] = answer as [number, string[]?];
      return { result: isLast === 1, others: others ?? [] };
    });
  }

  async closeAll(session: string): Promise<SessionClosing> {
    for (const member of this.#sessions.get(session)?.members.keys() ?? []) this.#release(session, member);
    const { keys, membership } = this.host;
    const envelope = encodeEnvelope({ origin: membership.nodeId, closedSession: session });
    const names = [keys.sessionMembers(session), keys.closed(session), keys.sessionChannel(session)];
    const entries = (await this.#run(CLOSE_SESSION, names, [membership.nodeId, MEMBER_LIFETIME, envelope])) as string[];
    // Other nodes may have members that are not registered again yet: nothing closed the session for them.
    if (entries.length === 0 && membership.isRecovering) throw unavailable();
    return { connections: await this.#countAlive(entries), isLast: entries.length > 0 };
  }

  async closeUnheld(session: string): Promise<boolean> {
    const { keys, membership } = this.host;
    if (membership.isRecovering) throw unavailable();
    return this.#untilNoneIsDead(async (dead) => {
      const args = [membership.nodeId, MEMBER_LIFETIME, ...dead];
      const answer = await this.#run(CLOSE_EMPTY_SESSION, [keys.sessionMembers(session), keys.closed(session)], args);
      const [isClosed, others] = answer as [number, string[]?];
      return { result: isClosed === 1, others: others ?? [] };
    });
  }

  async count(session: string): Promise<number> {
    const entries = await this.#ask(() => this.host.commands.ask('smembers', this.host.keys.sessionMembers(session)));
    return this.#countAlive(entries as string[]);
  }

  /**
   * Registers all members of this node in the present epoch. Members that are added or removed meanwhile update Redis
   * themselves, so this ends even if there are always new ones.
   * @param renew Called after each batch, to renew the lease.
   * @throws RedisUnavailableError
   */
  async resynchronize(renew: () => Promise<void>): Promise<void> {
    const { membership } = this.host;
    const unregistered = [...this.#members.values()].filter(({ epoch }) => epoch !== membership.epoch);
    for (let first = 0; first < unregistered.length; first += BATCH_SIZE) {
      await Promise.all(unregistered.slice(first, first + BATCH_SIZE).map((member) => this.#confirm(member)));
      await renew();
    }
  }

  /**
   * Confirms the members of sessions whose messages may have been missed.
   * @throws RedisUnavailableError
   */
  async confirmAll(sessions: readonly string[]): Promise<void> {
    const members = sessions.flatMap((session) => [...(this.#sessions.get(session)?.members.values() ?? [])]);
    for (let first = 0; first < members.length; first += BATCH_SIZE) {
      await Promise.all(members.slice(first, first + BATCH_SIZE).map((member) => this.#confirm(member)));
    }
  }

  /**
   * Confirms members whose last confirmation is older than `CONFIRMATION_INTERVAL`, one batch at most.
   * @throws RedisUnavailableError
   */
  async confirmOldest(): Promise<void> {
    const latest = performance.now() - CONFIRMATION_INTERVAL;
    const due: LocalMember[] = [];
    for (const member of this.#members.values()) {
      if (member.confirmedAt > latest || due.length === BATCH_SIZE) break;
      due.push(member);
    }
    await Promise.all(due.map((member) => this.#confirm(member)));
  }

  async #take(session: string, member: string, { limit, isNew }: MembershipRequest): Promise<MembershipResult> {
    const { keys, membership, subscriptions } = this.host;
    if (limit !== Infinity && !isNew && membership.isRecovering) throw unavailable();
    // Subscribes first: other nodes may send messages to the member as soon as Redis has its entry.
    if (membership.isConnected) await this.#ask(async () => subscriptions.add(keys.sessionChannel(session)));
    const highest = isNew ? 1 : limit === Infinity ? -1 : limit;
    return this.#untilNoneIsDead(async (dead) => {
      const args = [this.#entry(member), highest, isNew ? 1 : 0, MEMBER_LIFETIME, ...dead];
      const answer = await this.#run(ADD_MEMBER, [keys.sessionMembers(session), keys.closed(session)], args);
      const [outcome, others] = answer as [number, string[]?];
      const local = this.#members.get(keyOf(session, member));
      if (outcome === 1 && local) this.#confirmed(local, membership.epoch);
      return { result: outcome === 1 ? 'taken' : outcome === 0 ? 'full' : 'closed', others: others ?? [] };
    });
  }

  /**
   * Runs a script whose result depends on the entries of `others`, and runs it again for as long as some of those belong
   * to dead epochs. `dead` has the dead epochs found so far, whose entries the script removes.
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

  /** Finds the epochs of some entries that are certainly dead. */
  #findDead(entries: readonly string[]): Promise<string[]> {
    const { membership, keys, commands } = this.host;
    const others = new Set(entries.map(epochOf));
    others.delete(membership.epoch);
    return findDeadEpochs(others, membership.canJudge, keys, commands, (operation) => this.#ask(operation));
  }

  async #countAlive(entries: readonly string[]): Promise<number> {
    const dead = new Set(await this.#findDead(entries));
    return entries.filter((entry) => !dead.has(epochOf(entry))).length;
  }

  /** Registers a member in the present epoch, or renews its entry. @throws RedisUnavailableError */
  async #confirm(local: LocalMember): Promise<void> {
    const { session, member } = local;
    const { keys, commands, membership } = this.host;
    const { epoch } = membership;
    const key = keyOf(session, member);
    if (this.#members.get(key) !== local) return;
    const entry = `${epoch}/${member}`;
    const earlierEntry = local.epoch === '' ? entry : `${local.epoch}/${member}`;
    const answer = await commands.run(
      CONFIRM_MEMBER,
      [keys.sessionMembers(session), keys.closed(session)],
      [entry, earlierEntry, MEMBER_LIFETIME],
    );
    if (answer === 0) {
      if (this.#removeLocal(session, member)) this.host.sessionClosed(session);
    } else if (this.#members.get(key) === local) {
      this.#confirmed(local, epoch);
    } else if (!this.#members.has(key)) {
      // The member left while Redis added its entry.
      await commands.ask('srem', keys.sessionMembers(session), entry);
    }
  }

  /** @param epoch The epoch in which the member was registered; the node may have begun another one meanwhile. */
  #confirmed(local: LocalMember, epoch: string): void {
    const key = keyOf(local.session, local.member);
    local.epoch = epoch;
    local.confirmedAt = performance.now();
    // Moves it to the end of the map, which is in the order of confirmations.
    this.#members.delete(key);
    this.#members.set(key, local);
  }

  #addLocal(session: string, member: string, epoch: string): LocalMember {
    const local = { session, member, epoch, confirmedAt: performance.now() };
    this.#members.set(keyOf(session, member), local);
    this.#sessions.get(session)!.members.set(member, local);
    return local;
  }

  /** @returns False if the connection was not a member. */
  #removeLocal(session: string, member: string): boolean {
    if (!this.#members.delete(keyOf(session, member))) return false;
    this.#sessions.get(session)!.members.delete(member);
    this.#unsubscribeIfUnused(session);
    return true;
  }

  /** Removes a member, also from Redis if this node is returning. @returns False if the connection was not a member. */
  #release(session: string, member: string): boolean {
    if (!this.#removeLocal(session, member)) return false;
    const { keys, commands } = this.host;
    this.#runWhileReturning(() => commands.ask('srem', keys.sessionMembers(session), this.#entry(member)));
    return true;
  }

  /** While this node registers its members again, applies a change that was made since it began. */
  #runWhileReturning(operation: () => Promise<unknown>): void {
    const { membership } = this.host;
    if (membership.isReturning) operation().catch((error: Error) => membership.fail(error.message));
  }

  /** Subscribes to the channel of a session until `#answered()`, and for as long as this node has members of it. */
  #subscribe(session: string): void {
    const local = this.#sessions.get(session);
    if (local) local.pending++;
    else this.#sessions.set(session, { members: new Map(), pending: 1 });
    this.host.subscriptions.add(this.host.keys.sessionChannel(session)).catch(() => undefined);
  }

  #answered(session: string): void {
    this.#sessions.get(session)!.pending--;
    this.#unsubscribeIfUnused(session);
  }

  #unsubscribeIfUnused(session: string): void {
    const { members, pending } = this.#sessions.get(session)!;
    if (members.size > 0 || pending > 0) return;
    this.#sessions.delete(session);
    this.host.subscriptions.remove(this.host.keys.sessionChannel(session));
  }

  #entry(member: string): string {
    return `${this.host.membership.epoch}/${member}`;
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
    // No command was sent, so this is no failure that would delay the return of the node.
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

function keyOf(session: string, member: string): string {
  return `${session}/${member}`;
}

function unavailable(): SessionError {
  return new SessionError('CLUSTER_UNAVAILABLE', 'the other nodes cannot be reached: Redis does not answer');
}
