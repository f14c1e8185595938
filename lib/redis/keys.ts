import { createHash } from 'node:crypto';
import type { ClusterTarget } from '../server/ports/cluster.js';

/**
 * The names of keys and channels. A Redis Cluster chooses the shard by the part in braces: all keys of a session are on one
 * shard, so that one script can change them.
 */
export class Keys {
  constructor(private readonly prefix: string) {}

  /** Set of the members of a session: entries `<epoch>/<member>`, with an epoch of `<node>.<number>`. */
  sessionMembers(session: string): string {
    return `${this.prefix}:places:{${session}}`;
  }

  /** The id of the node that closed the session; exists for a while afterwards. */
  closed(session: string): string {
    return `${this.prefix}:closed:{${session}}`;
  }

  /** The lease of a node, which exists as long as the node is alive. Its value is the number of the oldest valid epoch. */
  node(nodeId: string): string {
    return `${this.prefix}:node:${nodeId}`;
  }

  /** Made once; missing or different after Redis has lost its data. */
  get generation(): string {
    return `${this.prefix}:generation`;
  }

  /** Channel for the connections that have a session. */
  sessionChannel(session: string): string {
    return `${this.prefix}:session:{${session}}`;
  }

  /** Channel for the members of a group. A digest, as the name may be long and have any characters. */
  groupChannel(group: string): string {
    return `${this.prefix}:group:{${createHash('sha256').update(Buffer.from(group, 'utf16le')).digest('base64url')}}`;
  }

  /** Channel for all connections. */
  get allChannel(): string {
    return `${this.prefix}:all`;
  }

  /** Channel for the checks of one node. The tag decides on its shard. */
  probeChannel(nodeId: string, tag: string): string {
    return `${this.prefix}:probe:${nodeId}:{${tag}}`;
  }

  /** Channel without subscribers and publishers. The tag decides on its shard. */
  idleChannel(tag: string): string {
    return `${this.prefix}:idle:{${tag}}`;
  }

  /** The session of a channel that `sessionChannel()` has named; `undefined` for other channels. */
  sessionOf(channel: string): string | undefined {
    const start = `${this.prefix}:session:{`;
    return channel.startsWith(start) ? channel.slice(start.length, -1) : undefined;
  }

  /** Set of the ids of all nodes, also of dead ones for a while. */
  get nodes(): string {
    return `${this.prefix}:nodes`;
  }

  /** Channel for the changes of members of groups. */
  get presenceChannel(): string {
    return `${this.prefix}:presence`;
  }

  /** Channel for answers to a node. */
  answersChannel(nodeId: string): string {
    return `${this.prefix}:answers:${nodeId}`;
  }

  channelOf(target: ClusterTarget): string {
    if (target.kind === 'group') return this.groupChannel(target.group);
    return target.kind === 'session' ? this.sessionChannel(target.session) : this.allChannel;
  }
}
