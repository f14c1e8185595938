import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Redis } from 'ioredis';

/** Injection token of the Redis client. */
export const REDIS = Symbol('REDIS');

export const REDIS_URL = process.env.REDIS_URL ?? 'redis://localhost:6379';

@Module({
  providers: [{ provide: REDIS, useFactory: () => new Redis(REDIS_URL, { maxRetriesPerRequest: 3 }) }],
  exports: [REDIS],
})
export class RedisModule implements OnApplicationShutdown {
  constructor(@Inject(REDIS) private readonly redis: Redis) {
    // Without a listener, an error would end the process. Pending commands reject anyway.
    redis.on('error', () => undefined);
  }

  onApplicationShutdown(): void {
    this.redis.disconnect();
  }
}
