// docs/redis.md
import { Cluster, Redis } from 'ioredis';
import { WebwireModule } from 'nestjs-webwire';
import { RedisCluster, RedisSessionManager } from 'nestjs-webwire/redis';

declare class RedisModule {}
declare const REDIS_CLIENT: unique symbol;

// block 1
