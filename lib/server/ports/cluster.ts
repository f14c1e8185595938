import type { SessionMembership } from '../../session/session-membership.js';
import type { ServerLogger } from '../../common/logger.js';
import type { GroupChange, GroupCount, GroupEntry } from '../group-member.js';

/** The receivers of a signal, on all nodes. */
export type ClusterTarget =
  /** All connections, or those of the servers of one gateway. A gateway is named by its option `name`, else by its class. */
  | { readonly kind: 'all'; readonly gateway: string | undefined }
  /** The members of a group, or those of them that are connected to the servers of one gateway. */
  | { readonly kind: 'group'; readonly group: string; readonly gateway?: string | undefined }
  /**
   * The connections that have the session with this digest of its key, or those of them that are connected to the servers
   * of one gateway.
   */
  | { readonly kind: 'session'; readonly session: string; readonly gateway?: string | undefined };

/** The callbacks of one node, which its cluster calls. None of the methods throws. */
export interface ClusterNode {
  /** The logger for problems of the cluster. */
  readonly logger: ServerLogger;
  /**
   * Called for a signal that another node, or a program without connections, has published.
   * @param message The whole message (docs/PROTOCOL.md, section 2). It must not be changed.
   * @param except Ids of connections that do not get it.
   */
  receive(target: ClusterTarget, message: Uint8Array, except: ReadonlySet<string>): void;
  /** Called when another node has closed a session: the connections of this node lose it. */
  sessionClosed(session: string): void;
  /** The connections of this node that are in a group. */
  entries(group: string): Iterable<GroupEntry>;
  /** All connections of this node that are in groups. */
  allEntries(): Iterable<readonly [group: string, entry: GroupEntry]>;
  /** Called, after `ClusterPresence.watch()`, when connections of another node have joined or left groups; in order. */
  groupsChanged(changes: readonly GroupChange[]): void;
  /**
   * Called each time the connection to the cluster has been established, and again when all nodes have registered their
   * data anew after the cluster lost it.
   */
  connected(): void;
}

/**
 * The members of groups on the other nodes. Methods that return a promise reject with a ClusterUnavailableError if the other
 * nodes cannot be asked.
 */
export interface ClusterPresence {
  /** The connections of all other nodes that are in a group. */
  entries(group: string): Promise<readonly GroupEntry[]>;
  /** The number of members that each of the other nodes has. */
  count(group: string): Promise<readonly GroupCount[]>;
  /** From now on, reports changes to `ClusterNode.groupsChanged()`: first the connections that are in groups already. */
  watch(): void;
  /** Called when a connection of this node has joined or left a group. */
  changed(change: GroupChange): void;
}

/** The state of a node. */
export interface ClusterHealth {
  /** True if the other nodes can be reached. */
  readonly isHealthy: boolean;
  /** One word, such as `connected`. */
  readonly status: string;
}

/** The other nodes of a cluster cannot be asked. */
export class ClusterUnavailableError extends Error {
  override readonly name = 'ClusterUnavailableError';
  readonly code = 'CLUSTER_UNAVAILABLE';
}

/**
 * Connects the nodes of an application, each of which serves some of the clients: the option `cluster` of `WebwireModule`.
 * `RedisCluster` in `nestjs-webwire/redis` is one.
 */
export interface Cluster {
  /** The members of sessions on all nodes. */
  readonly places: SessionMembership;
  /** The members of groups on other nodes. Without it, `members()`, `countMembers()` and events are those of this node. */
  readonly presence?: ClusterPresence;
  /**
   * Makes an application a node, before clients are served.
   * @returns Rejects if the application cannot join, which fails its start.
   */
  start(node: ClusterNode): Promise<void>;
  /** Removes the node when its clients are gone. Never rejects. */
  stop(): Promise<void>;
  /** Sends a signal to the connections of all other nodes, at most once: nodes that cannot be reached do not get it. */
  publish(target: ClusterTarget, message: Uint8Array, except: readonly string[]): void;
  /** Called when a group has its first member on this node. */
  join(group: string): void;
  /** Called when a group has lost its last member on this node. */
  leave(group: string): void;
  /** Resolves when signals of other nodes reach the groups joined so far, or the cluster cannot be reached. */
  synchronized(): Promise<void>;
  /** The state of this node, for health checks. Absent if it is always the same. */
  health?(): ClusterHealth;
}
