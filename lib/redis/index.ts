export { RedisCluster } from './redis-cluster.js';
export type { RedisClusterEvents, RedisClusterHealth } from './redis-cluster-health.js';
export type { RedisClusterOptions } from './redis-cluster-options.js';
export type { RedisArgument, RedisClient } from './redis-client.js';
export { RedisUnavailableError } from './redis-error.js';
export type { RedisOptions } from './redis-options.js';
export { RedisSessionManager, type RedisSessionManagerOptions } from './redis-session-manager.js';
export {
  WebwireEmitter,
  type EmitterBroadcastOptions,
  type EmitterSignalOptions,
  type WebwireEmitterOptions,
} from './webwire-emitter.js';
