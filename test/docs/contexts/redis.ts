// docs/redis.md
import 'reflect-metadata';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cluster, Redis } from 'ioredis';
import { SessionManager, WebwireModule as Original, WebwireService } from 'nestjs-webwire';
import { RedisCluster, RedisSessionManager } from 'nestjs-webwire/redis';

const REDIS_CLIENT = Symbol('client');

@Module({
  providers: [{ provide: REDIS_CLIENT, useFactory: () => new Redis('redis://localhost:6379', { lazyConnect: true }) }],
  exports: [REDIS_CLIENT],
})
class RedisModule {}

const imports: DynamicModule[] = [];
/** Takes the module of the page into the application. */
const WebwireModule = {
  forRootAsync: (...options: Parameters<typeof Original.forRootAsync>) =>
    imports.push(Original.forRootAsync(...options)),
};

// block 1

// test/redis has Sentinels and a Redis Cluster; here, neither is connected.
console.log(sentinel.status, cluster.status);

@Module({ imports: [...imports, RedisModule] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
console.log('healthy:', app.get(WebwireService).clusterHealth?.isHealthy);
console.log('a session:', await app.get(SessionManager).onSessionLookup('key'));
await app.close();
app.get<Redis>(REDIS_CLIENT, { strict: false }).disconnect();

// Prints:
// wait wait
// healthy: true
// a session: null
