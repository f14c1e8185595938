import type { ChannelSubscriptions } from './channel-subscriptions.js';
import type { RedisSessionMembers } from './redis-session-members.js';

/** The interval at which the progress of a returning node is logged, in ms. */
const PROGRESS_INTERVAL = 5_000;

/** Subscribes to the channels of a returning node and registers its session members, however many there are. */
export class Resynchronization {
  constructor(
    private readonly subscriptions: ChannelSubscriptions,
    private readonly members: RedisSessionMembers,
    private readonly log: (line: string) => void,
  ) {}

  /** The numbers of channels and session members that are registered in Redis. */
  get progress(): { channels: number; places: number } {
    return { channels: this.subscriptions.confirmed, places: this.members.registration.registered };
  }

  /**
   * @param renew Called between the steps, to renew the lease.
   * @throws RedisUnavailableError
   */
  async run(renew: () => Promise<void>): Promise<void> {
    let reportedAt = performance.now();
    const step = async () => {
      if (performance.now() - reportedAt > PROGRESS_INTERVAL) {
        reportedAt = performance.now();
        this.#report();
      }
      await renew();
    };
    await this.subscriptions.renew(step);
    await this.members.registration.resynchronize(step);
  }

  #report(): void {
    const { channels, places } = this.progress;
    this.log(
      `This node is returning: Redis has registered ${channels} of its ${this.subscriptions.size} channels ` +
        `and ${places} of its ${this.members.size} session members`,
    );
  }
}
