import { digestOf } from '../common/key-digest.js';
import type { MembershipRequest, MembershipResult, SessionClosing, SessionMembership } from './session-membership.js';
import { LocalSessionRegistry, type SessionRegistry } from './session-registry.js';

/** A member with an id that is unique among all nodes. */
interface ClusterMember {
  readonly connection: { readonly id: string };
}

const UNLIMITED: MembershipRequest = { limit: Infinity, isNew: false };

/** The registry of one node of a cluster: keeps the members of this node, and asks the cluster for those of all nodes. */
export class ClusterSessionRegistry<Member extends ClusterMember> implements SessionRegistry<Member> {
  readonly #local = new LocalSessionRegistry<Member>();

  constructor(private readonly membership: SessionMembership) {}

  /** Registered locally first, so that a closing which arrives from another node meanwhile finds the member. */
  async take(key: string, member: Member, request: MembershipRequest): Promise<MembershipResult> {
    const digest = digestOf(key);
    const wasMember = this.#local.members(digest).includes(member);
    if (this.#local.take(key, member, request.isNew ? request : UNLIMITED) === 'full') return 'full';
    let result: MembershipResult | undefined;
    try {
      result = await this.membership.take(digest, member.connection.id, request);
      return result;
    } finally {
      if (result !== 'taken' && !wasMember) this.#local.leave(key, member);
    }
  }

  async leave(key: string, member: Member): Promise<void> {
    this.#local.leave(key, member);
    await this.membership.leave(digestOf(key), member.connection.id);
  }

  async close(key: string, member: Member): Promise<boolean> {
    this.#local.leave(key, member);
    return this.membership.close(digestOf(key), member.connection.id);
  }

  async closeAll(key: string): Promise<SessionClosing> {
    this.#local.closeAll(key);
    return this.membership.closeAll(digestOf(key));
  }

  closeUnheld(key: string): Promise<boolean> {
    return this.membership.closeUnheld(digestOf(key));
  }

  count(key: string): Promise<number> {
    return this.membership.count(digestOf(key));
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
}
