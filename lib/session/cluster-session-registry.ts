import { digestOf } from '../common/key-digest.js';
import { withTimeout } from '../common/timeout.js';
import { SessionError } from './session-error.js';
import type { MembershipRequest, MembershipResult, SessionClosing, SessionMembership } from './session-membership.js';
import { LocalSessionRegistry, type SessionRegistry } from './session-registry.js';

/** A member with an id that is unique among all nodes. */
interface ClusterMember {
  readonly connection: { readonly id: string };
}

const UNLIMITED: MembershipRequest = { limit: Infinity, isNew: false };

/** Bounds the time that the cluster may take, and logs its failures. */
interface Supervision {
  /** In milliseconds. */
  readonly timeout: number;
  /** Logs a failure; the key must not be in what is logged. */
  readonly report: (subject: string, error: unknown, key: string) => void;
}

/**
 * The registry of one node of a cluster: keeps the members of this node, and asks the cluster for those of all nodes. A method
 * whose answer does not come in time rejects with a SessionError `CLUSTER_UNAVAILABLE`, and the other operations on the session
 * go on.
 */
export class ClusterSessionRegistry<Member extends ClusterMember> implements SessionRegistry<Member> {
  readonly #local = new LocalSessionRegistry<Member>();

  constructor(
    private readonly membership: SessionMembership,
    private readonly supervision: Supervision,
  ) {}

  /** Registered locally first, so that a closing which arrives from another node meanwhile finds the member. */
  async take(key: string, member: Member, request: MembershipRequest): Promise<MembershipResult> {
    const digest = digestOf(key);
    const wasMember = this.#local.members(digest).includes(member);
    if (this.#local.take(key, member, request.isNew ? request : UNLIMITED) === 'full') return 'full';
    let result: MembershipResult | undefined;
    try {
      result = await this.#answered(
        'take',
        key,
        (membership) => membership.take(digest, member.connection.id, request),
        (late) => void this.#undoIfLeft(key, member, late),
      );
      await this.#undoIfLeft(key, member, result);
      return result;
    } finally {
      if (result !== 'taken' && !wasMember) this.#local.leave(key, member);
    }
  }

  /** Never rejects. */
  async leave(key: string, member: Member): Promise<void> {
    this.#local.leave(key, member);
    try {
      await this.#answered('leave', key, (membership) => membership.leave(digestOf(key), member.connection.id));
    } catch (error) {
      // A SessionError is in the log already.
      if (!(error instanceof SessionError)) this.supervision.report('leave() of the cluster', error, key);
    }
  }

  async close(key: string, member: Member): Promise<boolean> {
    this.#local.leave(key, member);
    return this.#answered('close', key, (membership) => membership.close(digestOf(key), member.connection.id));
  }

  async closeAll(key: string): Promise<SessionClosing> {
    this.#local.closeAll(key);
    return this.#answered('closeAll', key, (membership) => membership.closeAll(digestOf(key)));
  }

  closeUnheld(key: string): Promise<boolean> {
    return this.#answered('closeUnheld', key, (membership) => membership.closeUnheld(digestOf(key)));
  }

  count(key: string): Promise<number> {
    return this.#answered('count', key, (membership) => membership.count(digestOf(key)));
  }

  members(digest: string): readonly Member[] {
    return this.#local.members(digest);
  }

  keyOf(digest: string): string | undefined {
    return this.#local.keyOf(digest);
  }

  get size(): number {
    return this.#local.size;
  }

  /** @param onLate Called with an answer that comes after the timeout. */
  async #answered<T>(
    method: keyof SessionMembership,
    key: string,
    call: (membership: SessionMembership) => Promise<T>,
    onLate: (answer: T) => void = () => undefined,
  ): Promise<T> {
    const { timeout, report } = this.supervision;
    const answer = Promise.resolve(call(this.membership));
    return withTimeout(answer, timeout, () => {
      answer.then(onLate, () => undefined);
      const problem = `did not answer within ${timeout} ms (option sessions.managerTimeout)`;
      const error = new SessionError(
        'CLUSTER_UNAVAILABLE',
        `the other nodes cannot be reached: the cluster ${problem}`,
      );
      report(`${method}() of the cluster`, error, key);
      return error;
    });
  }

  /** Undoes a membership whose request has failed, or whose connection has left meanwhile. */
  async #undoIfLeft(key: string, member: Member, result: MembershipResult): Promise<void> {
    if (result === 'taken' && !this.#local.members(digestOf(key)).includes(member)) await this.leave(key, member);
  }
}
