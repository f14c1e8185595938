import { describe } from 'vitest';
import { hasRedisServer } from './redis-processes.js';

export { RedisSentinels, RedisServer, RedisShards } from './redis-processes.js';

/** Groups tests that start a Redis. Without a `redis-server` they are skipped, which CI does not allow. */
export function describeWithRedis(name: string, tests: () => void, timeout = 30_000): void {
  const reason = hasRedisServer ? '' : ' (skipped: there is no redis-server of version 7 or later on the PATH)';
  describe.skipIf(!hasRedisServer)(`${name}${reason}`, { timeout }, () => {
    tests();
  });
}
