import { digestOf } from '../common/key-digest.js';
import type { MembershipRequest, MembershipResult, SessionClosing } from './session-membership.js';

/** The members of each session. Methods that change something may answer at once or with a promise. */
export interface SessionRegistry<Member> {
  /** Makes a connection a member of a session, if the request allows it. A connection is never counted twice. */
  take(key: string, member: Member, request: MembershipRequest): MembershipResult | Promise<MembershipResult>;
  /** The connection is lost and no longer a member. Does nothing if it was not a member. */
  leave(key: string, member: Member): void | Promise<void>;
  /**
   * The connection closes the session and is no longer a member.
   * @returns True if it was the last member.
   */
  close(key: string, member: Member): boolean | Promise<boolean>;
  /** Removes all members. */
  closeAll(key: string): SessionClosing | Promise<SessionClosing>;
  /**
   * Closes a session that has no members.
   * @returns True if this node has closed it, now or by an earlier call that failed.
   */
  closeUnheld(key: string): boolean | Promise<boolean>;
  /** The number of members, on all nodes together. */
  count(key: string): number | Promise<number>;
  /** The members of this process, by the digest of the session's key. */
  members(digest: string): readonly Member[];
  /** The key of a session with this digest that has members of this process. */
  keyOf(digest: string): string | undefined;
  /** The number of sessions that have members of this process. */
  readonly size: number;
}

interface Entry<Member> {
  readonly key: string;
  readonly members: Set<Member>;
}

/** The registry of a single process. */
export class LocalSessionRegistry<Member> implements SessionRegistry<Member> {
  /** By digest of the key. */
  readonly #sessions = new Map<string, Entry<Member>>();

  take(key: string, member: Member, { limit, isNew }: MembershipRequest): MembershipResult {
    const digest = digestOf(key);
    const entry = this.#sessions.get(digest) ?? { key, members: new Set() };
    const { members } = entry;
    if (!members.has(member) && members.size >= (isNew ? 1 : limit)) return 'full';
    members.add(member);
    this.#sessions.set(digest, entry);
    return 'taken';
  }

  leave(key: string, member: Member): void {
    this.close(key, member);
  }

  close(key: string, member: Member): boolean {
    const digest = digestOf(key);
    const members = this.#sessions.get(digest)?.members;
    if (!members?.delete(member) || members.size > 0) return false;
    this.#sessions.delete(digest);
    return true;
  }

  closeAll(key: string): SessionClosing {
    const digest = digestOf(key);
    const connections = this.#sessions.get(digest)?.members.size ?? 0;
    return { connections, isLast: this.#sessions.delete(digest) };
  }

  closeUnheld(key: string): boolean {
    return this.count(key) === 0;
  }

  count(key: string): number {
    return this.members(digestOf(key)).length;
  }

  members(digest: string): readonly Member[] {
    return [...(this.#sessions.get(digest)?.members ?? [])];
  }

  keyOf(digest: string): string | undefined {
    return this.#sessions.get(digest)?.key;
  }

  get size(): number {
    return this.#sessions.size;
  }
}
