import type { Keys } from './keys.js';
import type { Membership } from './membership.js';
import type { RedisConnection } from './redis-connection.js';

/** The set of nodes that is kept in Redis. A node is alive as long as it has a lease. */
export class NodeSet {
  constructor(
    private readonly commands: RedisConnection,
    private readonly keys: Keys,
    private readonly membership: Membership,
  ) {}

  /** Adds this node. @throws RedisUnavailableError */
  async add(): Promise<void> {
    await this.commands.ask('sadd', this.keys.nodes, this.membership.nodeId);
  }

  /** Removes a node, by default this one. @throws RedisUnavailableError */
  async remove(node = this.membership.nodeId): Promise<void> {
    await this.commands.ask('srem', this.keys.nodes, node);
  }

  /**
   * Reads the remaining lifetimes of the leases of the other nodes, and removes dead nodes from the set.
   * @param known Nodes to include, whether the set has them or not.
   * @returns The lifetimes in ms, by node; 0 for a node without a lease.
   * @throws RedisUnavailableError
   */
  async leases(known: Iterable<string>): Promise<Map<string, number>> {
    const { commands, keys, membership } = this;
    const nodes = new Set([...((await commands.ask('smembers', keys.nodes)) as string[]), ...known]);
    nodes.delete(membership.nodeId);
    const leases = [...nodes].map(async (node) => {
      const lease = Math.max(Number(await commands.ask('pttl', keys.node(node))), 0);
      if (lease === 0 && membership.canJudge) this.remove(node).catch(() => undefined);
      return [node, lease] as const;
    });
    return new Map(await Promise.all(leases));
  }
}
