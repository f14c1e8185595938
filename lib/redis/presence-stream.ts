import { randomBytes } from 'node:crypto';
import type { GroupChange } from '../server/group-member.js';
import type { Keys } from './keys.js';
import type { Membership } from './membership.js';
import {
  changeToWire,
  chunksOf,
  encodePresence,
  type PresenceMessage,
  type StreamPosition,
} from './presence-messages.js';
import type { RedisConnection } from './redis-connection.js';

/**
 * The changes of the members on this node, which it publishes as long as there is a subscriber. They are numbered, and the
 * last number is published regularly, so that the other nodes detect lost changes.
 */
export class PresenceStream {
  #id = '';
  #seq = 0;
  #changes: GroupChange[] = [];
  #isPublishing = false;
  /** True if a node may be following the changes. */
  #isFollowed = false;
  /** The number of requests of nodes to follow the changes. */
  #followRequests = 0;

  constructor(
    private readonly commands: RedisConnection,
    private readonly keys: Keys,
    private readonly membership: Membership,
  ) {}

  /** Begins a new stream, after messages may have been lost. */
  begin(): void {
    this.#id = randomBytes(8).toString('hex');
    this.#seq = 0;
    this.#changes = [];
    this.#isFollowed = true;
    this.publishPosition();
  }

  /**
   * Called when a node wants to follow the changes.
   * @returns The position from which on it gets changes.
   */
  follow(): StreamPosition {
    this.#isFollowed = true;
    this.#followRequests++;
    // The node gets a list of members that contains the pending changes: later ones follow the position.
    this.#publishChanges();
    return this.#position;
  }

  changed(change: GroupChange): void {
    if (!this.#isFollowed) return;
    this.#changes.push(change);
    if (this.#isPublishing) return;
    this.#isPublishing = true;
    setImmediate(() => this.#publishChanges());
  }

  publishPosition(): void {
    if (this.#isFollowed) this.#publish({ kind: 'position', from: this.#nodeId, position: this.#position });
  }

  /** Publishes the last changes, and that this node is shut down. */
  end(): void {
    this.#publishChanges();
    if (this.#isFollowed) this.#publish({ kind: 'gone', from: this.#nodeId });
  }

  get #nodeId(): string {
    return this.membership.nodeId;
  }

  get #position(): StreamPosition {
    return { stream: this.#id, seq: this.#seq };
  }

  #publishChanges(): void {
    this.#isPublishing = false;
    const changes = this.#changes.map(changeToWire);
    this.#changes = [];
    if (changes.length === 0 || !this.membership.isConnected) return;
    for (const [part] of chunksOf(changes)) {
      this.#seq++;
      this.#publish({ kind: 'changes', from: this.#nodeId, position: this.#position, changes: part });
    }
  }

  #publish(message: PresenceMessage): void {
    // If this fails, the next position shows followers that a message is missing.
    this.#countFollowers(encodePresence(message)).catch(() => undefined);
  }

  async #countFollowers(message: Buffer): Promise<void> {
    const requests = this.#followRequests;
    const receivers = await this.commands.ask('spublish', this.keys.presenceChannel, message);
    if (receivers === 0 && requests === this.#followRequests) this.#isFollowed = false;
  }
}
