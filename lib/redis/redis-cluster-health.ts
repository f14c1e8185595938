/**
 * The events of a `RedisCluster`: `cluster.on('disconnected', ({ reason }) => …)`. The same objects, with `cluster` added,
 * are published on `node:diagnostics_channel`, as `nestjs-webwire:cluster:disconnected` and so on.
 */
export interface RedisClusterEvents {
  /** Redis can be reached, for the first time or again. `places`: number of session members of this node. */
  connected: [event: { nodeId: string; places: number }];
  /** Redis does not answer, or the connection to it was lost. */
  disconnected: [event: { nodeId: string; reason: string }];
  /** A signal for other nodes was dropped, or was lost with the connection. `dropped`: number of such signals since the start. */
  drop: [event: { nodeId: string; dropped: number }];
}

/** The state of a node. */
export interface RedisClusterHealth {
  /** True if the other nodes can be reached. */
  readonly isHealthy: boolean;
  readonly status: 'starting' | 'connected' | 'disconnected' | 'stopped';
  /** The time at which the node got this status. */
  readonly since: Date;
  readonly nodeId: string;
  /** Number of connections of this node that have a session, each counted once per session. */
  readonly places: number;
  /** Number of channels that the node subscribes to. */
  readonly channels: number;
  /** Number of signals that wait until Redis can be reached. */
  readonly waitingSignals: number;
  /** Number of signals that were dropped, or lost with the connection, since the start. */
  readonly droppedSignals: number;
  /**
   * Present while a node that was disconnected registers its channels and session members again: the number of those that are
   * registered so far.
   */
  readonly returning?: { readonly channels: number; readonly places: number };
}
