import { describe } from 'vitest';
import { hasRedisServer } from './redis-processes.js';

export { RedisSentinels, RedisServer, RedisShards } from './redis-processes.js';

/** Declares a group of tests that start a Redis. They are skipped without a `redis-server`, but fail in CI. */
export function describeWithRedis(name: string, tests: () => void, timeout = 30_000): void {
  const reason = hasRedisServer ? '' : ' (skipped: there is no redis-server of version 7 or later on the PATH)';
  describe.skipIf(!hasRedisServer)(`${name}${reason}`, { timeout }, () => {
    tests();
  });
}
