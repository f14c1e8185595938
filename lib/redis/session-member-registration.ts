import type { Keys } from './keys.js';
import type { LocalMember, LocalSessionMembers } from './local-session-members.js';
import type { Membership } from './membership.js';
import type { RedisConnection } from './redis-connection.js';
import { CONFIRM_MEMBER, MEMBER_LIFETIME } from './session-member-scripts.js';

/** The interval at which each member is confirmed, in ms. */
const CONFIRMATION_INTERVAL = MEMBER_LIFETIME / 3;

/** The number of members that are registered or confirmed at once. */
const BATCH_SIZE = 500;

/** Registers the members on this node in Redis: in each new epoch, and again before they expire. */
export class SessionMemberRegistration {
  constructor(
    private readonly members: LocalSessionMembers,
    private readonly commands: RedisConnection,
    private readonly keys: Keys,
    private readonly membership: Membership,
    /** Called for a session that another node has closed, if the message about it did not arrive. */
    private readonly onClosed: (session: string) => void,
  ) {}

  /** The number of members that Redis has registered in the present epoch. */
  get registered(): number {
    let registered = 0;
    for (const { epoch } of this.members.all) if (epoch === this.membership.epoch) registered++;
    return registered;
  }

  /**
   * Registers all members in the present epoch. Members that are added or removed meanwhile update Redis themselves, so
   * this ends even if there are always new ones.
   * @param renew Called after each batch, to renew the lease.
   * @throws RedisUnavailableError
   */
  async resynchronize(renew: () => Promise<void>): Promise<void> {
    const { epoch } = this.membership;
    await this.#confirmInBatches(
      [...this.members.all].filter((local) => local.epoch !== epoch),
      renew,
    );
  }

  /**
   * Confirms the members of sessions whose messages may have been missed.
   * @throws RedisUnavailableError
   */
  async confirmAll(sessions: readonly string[]): Promise<void> {
    await this.#confirmInBatches(sessions.flatMap((session) => [...this.members.of(session)]));
  }

  /**
   * Confirms members whose last confirmation is older than `CONFIRMATION_INTERVAL`, one batch at most.
   * @throws RedisUnavailableError
   */
  async confirmOldest(): Promise<void> {
    const latest = performance.now() - CONFIRMATION_INTERVAL;
    const due: LocalMember[] = [];
    for (const local of this.members.all) {
      if (local.confirmedAt > latest || due.length === BATCH_SIZE) break;
      due.push(local);
    }
    await this.#confirmInBatches(due);
  }

  /** Registers a member in the present epoch, or renews its entry. @throws RedisUnavailableError */
  async confirm(local: LocalMember): Promise<void> {
    const { session, member } = local;
    const { keys, commands, membership } = this;
    const { epoch } = membership;
    if (this.members.get(session, member) !== local) return;
    const entry = `${epoch}/${member}`;
    const earlierEntry = local.epoch === '' ? entry : `${local.epoch}/${member}`;
    const answer = await commands.run(
      CONFIRM_MEMBER,
      [keys.sessionMembers(session), keys.closed(session)],
      [entry, earlierEntry, MEMBER_LIFETIME],
    );
    const present = this.members.get(session, member);
    if (answer === 0) {
      if (this.members.remove(session, member)) this.onClosed(session);
    } else if (present === local) {
      this.members.confirm(local, epoch);
    } else if (!present) {
      // The member left while Redis added its entry.
      await commands.ask('srem', keys.sessionMembers(session), entry);
    }
  }

  async #confirmInBatches(members: readonly LocalMember[], renew?: () => Promise<void>): Promise<void> {
    for (let first = 0; first < members.length; first += BATCH_SIZE) {
      await Promise.all(members.slice(first, first + BATCH_SIZE).map((local) => this.confirm(local)));
      await renew?.();
    }
  }
}
