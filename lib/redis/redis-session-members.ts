import { SessionError } from '../session/session-error.js';
import type {
  MembershipRequest,
  MembershipResult,
  SessionClosing,
  SessionMembership,
} from '../session/session-membership.js';
import type { ChannelSubscriptions } from './channel-subscriptions.js';
import { encodeEnvelope } from './envelope.js';
import { findDeadEpochs, epochOf } from './epochs.js';
import type { Keys } from './keys.js';
import { LocalSessionMembers } from './local-session-members.js';
import type { Membership } from './membership.js';
import type { RedisConnection } from './redis-connection.js';
import { SessionMemberRegistration } from './session-member-registration.js';
import {
  ADD_MEMBER,
  CLOSE_EMPTY_SESSION,
  CLOSE_MEMBER,
  CLOSE_SESSION,
  MEMBER_LIFETIME,
} from './session-member-scripts.js';

/**
 * The members of sessions, which are kept in Redis. This node also keeps a list of its own members, to register them again
 * in each new epoch.
 *
 * A *member* is the id of a connection. Redis stores it as an *entry*: `<epoch>/<member>`.
 */
export class RedisSessionMembers implements SessionMembership {
  readonly registration: SessionMemberRegistration;
  readonly #local: LocalSessionMembers;

  /** @param onClosed Called for a session that another node has closed, if the message about it did not arrive. */
  constructor(
    private readonly commands: RedisConnection,
    private readonly keys: Keys,
    private readonly membership: Membership,
    private readonly subscriptions: ChannelSubscriptions,
    onClosed: (session: string) => void,
  ) {
    this.#local = new LocalSessionMembers(keys, subscriptions);
    this.registration = new SessionMemberRegistration(this.#local, commands, keys, membership, onClosed);
  }

  /** The number of members on this node. */
  get size(): number {
    return this.#local.size;
  }

  async take(session: string, member: string, request: MembershipRequest): Promise<MembershipResult> {
    if (this.#local.get(session, member))
      return this.#unlessLeft(session, member, this.#take(session, member, request));
    this.#local.expect(session);
    // Without a limit, the answer does not depend on other nodes: the connection is a member from now on, even while Redis
    // is away, and is registered as soon as possible.
    if (request.isNew || request.limit === Infinity) {
      const added = this.#local.add(session, member, '');
      this.#local.settle(session);
      this.#runWhileReturning(async () => {
        await this.subscriptions.add(this.keys.sessionChannel(session));
        await this.registration.confirm(added);
      });
      const taking = this.#take(session, member, request).catch(() => 'taken' as const);
      const result = await this.#unlessLeft(session, member, taking);
      if (result !== 'taken') await this.leave(session, member);
      return result;
    }
    try {
      const result = await this.#take(session, member, request);
      if (result === 'taken') this.#local.add(session, member, this.membership.epoch);
      return result;
    } finally {
      this.#local.settle(session);
    }
  }

  async leave(session: string, member: string): Promise<void> {
    if (this.#release(session, member)) await this.#removeEntry(session, member);
  }

  async close(session: string, member: string): Promise<boolean> {
    this.#release(session, member);
    const { keys, commands, membership } = this;
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
    for (const { member } of this.#local.of(session)) this.#release(session, member);
    const { keys, membership } = this;
    const envelope = encodeEnvelope({ origin: membership.nodeId, closedSession: session });
    const names = [keys.sessionMembers(session), keys.closed(session), keys.sessionChannel(session)];
    const entries = (await this.#run(CLOSE_SESSION, names, [membership.nodeId, MEMBER_LIFETIME, envelope])) as string[];
    // Other nodes may have members that are not registered again yet: nothing closed the session for them.
    if (entries.length === 0 && membership.isRecovering) throw unavailable();
    return { connections: await this.#countAlive(entries), isLast: entries.length > 0 };
  }

  async closeUnheld(session: string): Promise<boolean> {
    const { keys, membership } = this;
    if (membership.isRecovering) throw unavailable();
    return this.#untilNoneIsDead(async (dead) => {
      const args = [membership.nodeId, MEMBER_LIFETIME, ...dead];
      const answer = await this.#run(CLOSE_EMPTY_SESSION, [keys.sessionMembers(session), keys.closed(session)], args);
      const [isClosed, others] = answer as [number, string[]?];
      return { result: isClosed === 1, others: others ?? [] };
    });
  }

  async count(session: string): Promise<number> {
    const entries = await this.#ask(() => this.commands.ask('smembers', this.keys.sessionMembers(session)));
    return this.#countAlive(entries as string[]);
  }

  async #take(session: string, member: string, { limit, isNew }: MembershipRequest): Promise<MembershipResult> {
    const { keys, membership, subscriptions } = this;
    if (limit !== Infinity && !isNew && membership.isRecovering) throw unavailable();
    // Subscribes first: other nodes may send messages to the member as soon as Redis has its entry.
    if (membership.isConnected) await this.#ask(async () => subscriptions.add(keys.sessionChannel(session)));
    const highest = isNew ? 1 : limit === Infinity ? -1 : limit;
    return this.#untilNoneIsDead(async (dead) => {
      const args = [this.#entry(member), highest, isNew ? 1 : 0, MEMBER_LIFETIME, ...dead];
      const answer = await this.#run(ADD_MEMBER, [keys.sessionMembers(session), keys.closed(session)], args);
      const [outcome, others] = answer as [number, string[]?];
      const local = this.#local.get(session, member);
      if (outcome === 1 && local) this.#local.confirm(local, membership.epoch);
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
    const { membership, keys, commands } = this;
    const others = new Set(entries.map(epochOf));
    others.delete(membership.epoch);
    return findDeadEpochs(others, membership.canJudge, keys, commands, (operation) => this.#ask(operation));
  }

  async #countAlive(entries: readonly string[]): Promise<number> {
    const dead = new Set(await this.#findDead(entries));
    return entries.filter((entry) => !dead.has(epochOf(entry))).length;
  }

  /** The result of a request, after which a member that has left meanwhile has no entry. */
  async #unlessLeft(session: string, member: string, taking: Promise<MembershipResult>): Promise<MembershipResult> {
    const result = await taking;
    if (result === 'taken' && !this.#local.get(session, member)) await this.#removeEntry(session, member);
    return result;
  }

  /** While Redis is away, the entry stays there until this node returns in a new epoch. */
  async #removeEntry(session: string, member: string): Promise<void> {
    const { keys, commands } = this;
    await this.#ask(() => commands.ask('srem', keys.sessionMembers(session), this.#entry(member))).catch(
      () => undefined,
    );
  }

  /** Removes a member, also from Redis if this node is returning. @returns False if the connection was not a member. */
  #release(session: string, member: string): boolean {
    if (!this.#local.remove(session, member)) return false;
    const { keys, commands } = this;
    this.#runWhileReturning(() => commands.ask('srem', keys.sessionMembers(session), this.#entry(member)));
    return true;
  }

  /** While this node registers its members again, applies a change that was made since it began. */
  #runWhileReturning(operation: () => Promise<unknown>): void {
    const { membership } = this;
    if (membership.isReturning) operation().catch((error: Error) => membership.fail(error.message));
  }

  #entry(member: string): string {
    return `${this.membership.epoch}/${member}`;
  }

  #run(...args: Parameters<RedisConnection['run']>): Promise<unknown> {
    return this.#ask(() => this.commands.run(...args));
  }

  /**
   * On an error or timeout the node starts a new epoch, because the command may or may not have been executed.
   * @throws SessionError `CLUSTER_UNAVAILABLE`
   */
  async #ask<T>(operation: () => Promise<T>): Promise<T> {
    const { membership } = this;
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

function unavailable(): SessionError {
  return new SessionError('CLUSTER_UNAVAILABLE', 'the other nodes cannot be reached: Redis does not answer');
}
