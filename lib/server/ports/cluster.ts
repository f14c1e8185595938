import type { SessionMembership } from '../../session/session-membership.js';
import type { ServerLogger } from '../../common/logger.js';
import type { GroupChange, GroupCount, GroupEntry } from '../group-member.js';

/** Whom a signal is for, on every node. */
export type ClusterTarget =
  /** All connections, or those of the servers that serve a gateway, by its name (that of its class unless it was given another). */
  | { readonly kind: 'all'; readonly gateway: string | undefined }
  /** The members of a group, or those of them that are connected to the servers of a gateway. */
  | { readonly kind: 'group'; readonly group: string; readonly gateway?: string | undefined }
  /**
   * The connections that have a session, by the digest of its key, or those of them that are connected to the servers of a
   * gateway.
   */
  | { readonly kind: 'session'; readonly session: string; readonly gateway?: string | undefined };

/** What one node is told by the cluster. None of the methods throws. */
export interface ClusterNode {
  /** Where the cluster reports what its operator should know. */
  readonly logger: ServerLogger;
  /**
   * Another node, or a program without connections, has published a signal.
   * @param message The whole message (PROTOCOL.md, section 2), which nobody may change.
   * @param except Ids of connections that do not get it.
   */
  receive(target: ClusterTarget, message: Uint8Array, except: ReadonlySet<string>): void;
  /** Another node has closed a session on all its connections: those of this node lose it. */
  sessionClosed(session: string): void;
  /** The connections of this node that are in a group. */
  entries(group: string): Iterable<GroupEntry>;
  /** All connections of this node that are in groups. */
  allEntries(): Iterable<readonly [group: string, entry: GroupEntry]>;
  /** Connections of another node have joined or left groups. Called after `ClusterPresence.watch()`, in order. */
  groupsChanged(changes: readonly GroupChange[]): void;
  /**
   * The other nodes can be reached, from now on or again, and know what this one has; or it is known again what all of
   * them have.
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
  /** Calls `ClusterNode.groupsChanged()` from now on, for the connections that are in groups already, too. */
  watch(): void;
  /** A connection of this node has joined or left a group. */
  changed(change: GroupChange): void;
}

/** The other nodes of a cluster cannot be asked. */
export class ClusterUnavailableError extends Error {
  override readonly name = 'ClusterUnavailableError';
  readonly code = 'CLUSTER_UNAVAILABLE';
}

/**
 * What connects the nodes of an application, each of which serves some of the clients: the option `cluster` of
 * `WebwireModule`. Shipped is `RedisCluster`, in `nestjs-webwire/redis`.
 */
export interface Cluster {
  /** The places in sessions, which all nodes share. */
  readonly places: SessionMembership;
  /** The members of groups on other nodes. Without it, `members()`, `countMembers()` and events are those of this node. */
  readonly presence?: ClusterPresence;
  /**
   * Makes an application a node, before clients are served.
   * @returns Rejects if it cannot be one, which fails the start of the application.
   */
  start(node: ClusterNode): Promise<void>;
  /** Takes the node out again, when its clients are gone. Never rejects. */
  stop(): Promise<void>;
  /** Sends a signal to the connections of all other nodes. At most once: it is lost where a node cannot be reached. */
  publish(target: ClusterTarget, message: Uint8Array, except: readonly string[]): void;
  /** This node has members of a group from now on. */
  join(group: string): void;
  /** This node has no members of a group any more. */
  leave(group: string): void;
  /** Resolves when signals of other nodes reach the groups that were joined by now, or the cluster cannot be reached. */
  synchronized(): Promise<void>;
}
