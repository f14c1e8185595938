import type { ClusterNode } from '../server/ports/cluster.js';
import { decodeEnvelope, type Envelope } from './envelope.js';
import { isPresenceMessage } from './presence-messages.js';
import type { RedisPresence } from './redis-presence.js';

/** The shortest time between two warnings about malformed messages, in ms. */
const WARNING_INTERVAL = 10_000;

/** The messages of other nodes, which are decoded and passed on to the parts of this node that they are for. */
export class IncomingMessages {
  #malformed = 0;
  #warnedAt = -Infinity;

  constructor(
    private readonly nodeId: string,
    private readonly presence: RedisPresence,
    private readonly node: () => ClusterNode,
  ) {}

  receive(bytes: Buffer): void {
    let envelope: Envelope;
    try {
      if (isPresenceMessage(bytes)) {
        this.presence.receive(bytes);
        return;
      }
      envelope = decodeEnvelope(bytes);
    } catch (error) {
      this.#warn((error as Error).message);
      return;
    }
    // The connections of this node got it when it was published.
    if (envelope.origin === this.nodeId) return;
    const node = this.node();
    if ('closedSession' in envelope) node.sessionClosed(envelope.closedSession);
    else node.receive(envelope.target, envelope.message, new Set(envelope.except));
  }

  #warn(reason: string): void {
    this.#malformed++;
    const now = performance.now();
    if (now - this.#warnedAt < WARNING_INTERVAL) return;
    this.#warnedAt = now;
    this.node().logger.warn(`Ignored a malformed cluster message: ${reason} (${this.#malformed} so far)`);
  }
}
