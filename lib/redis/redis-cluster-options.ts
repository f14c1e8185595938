import { check, integerBetween, type OptionRules } from '../common/options.js';
import { TIMER_MAX } from '../common/timeout.js';
import { checkRedisOptions, PREFIX_RULE, REDIS_RULES, type RedisOptions } from './redis-options.js';

/** Options of {@link RedisCluster}. */
export interface RedisClusterOptions extends RedisOptions {
  /**
   * Prefix of all keys and channels: the same for all nodes of an application, and another one for each application.
   * Different databases do not separate applications, because channels belong to no database.
   * @default 'webwire'
   */
  readonly prefix?: string;
  /**
   * The time after which a silent node counts as dead, so that its connections no longer count as members of sessions, in
   * milliseconds: at least three times the `commandTimeout`. A node sends three heartbeats within this time.
   * @default 10_000
   */
  readonly nodeTimeout?: number;
  /**
   * The most signals for other nodes that are kept while Redis is away. Beyond that, the oldest are dropped.
   * @default 1_000
   */
  readonly maxWaitingSignals?: number;
}

const RULES: OptionRules<RedisClusterOptions> = {
  ...REDIS_RULES,
  prefix: PREFIX_RULE,
  nodeTimeout: integerBetween(100, TIMER_MAX, 'milliseconds'),
  maxWaitingSignals: integerBetween(0, 1_000_000, 'signals'),
};

/** @throws InvalidOptionError */
export function resolveRedisClusterOptions(options: RedisClusterOptions) {
  const checked = checkRedisOptions('RedisCluster', options, RULES);
  const { commandTimeout = 2_000, nodeTimeout = 10_000, prefix = 'webwire', maxWaitingSignals = 1_000 } = checked;
  check('RedisCluster.nodeTimeout', nodeTimeout, {
    allowed: `at least three times the commandTimeout, which is ${commandTimeout}`,
    accepts: (timeout) => (timeout as number) >= 3 * commandTimeout,
  });
  return { ...checked, commandTimeout, nodeTimeout, prefix, maxWaitingSignals };
}
