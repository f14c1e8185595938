// docs/cluster.md
import 'reflect-metadata';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { WebwireModule as Original, WebwireService } from 'nestjs-webwire';

const imports: DynamicModule[] = [];
/** Takes the module of the page into the application. */
const WebwireModule = {
  forRootAsync: (...options: Parameters<typeof Original.forRootAsync>) =>
    imports.push(Original.forRootAsync(...options)),
};
const url = 'redis://localhost:6379';
process.env.REDIS_URL = url;

// block 1

let lost: () => void;
let returned: () => void;
const alert = (reason: string) => {
  console.log('alert', reason);
  lost();
};
const report = (count: number) => {
  console.log('report', count);
  returned();
};

// block 2

@Module({ imports })
class AppModule {}

@Module({ imports: [Original.forRoot({ cluster, sessions: false })] })
class OtherModule {}

const isConnected = new Promise<void>((resolve) => (returned = resolve));
const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
const other = await NestFactory.createApplicationContext(OtherModule, { logger: false });
const webwire = app.get(WebwireService);
console.log('healthy:', webwire.clusterHealth?.isHealthy, 'members:', await webwire.countMembers('room'));
await isConnected;

// The server ends all connections: while the node is away, too many signals wait.
const isLost = new Promise<void>((resolve) => (lost = resolve));
const isDropped = new Promise<void>((resolve) => (returned = resolve));
const redis = new Redis(url);
for (const type of ['normal', 'pubsub']) await redis.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
await isLost;
for (let count = 0; count <= 1_000; count++) other.get(WebwireService).broadcast('news', 'a moth');
await isDropped;
await new Promise<void>((resolve) => (returned = resolve));
redis.disconnect();
await other.close();
await app.close();

// A process may start several applications, one after the other, and one without Redis.
for (const next of [url, '']) {
  process.env.REDIS_URL = next;
  const again = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  const service = again.get(WebwireService);
  console.log('healthy:', service.clusterHealth?.isHealthy, 'members:', await service.countMembers('room'));
  await again.close();
}

// Prints:
// report 0
// healthy: true members: 0
// alert its connection for commands was lost: the connection was closed
// report 1
// report 0
// healthy: true members: 0
// healthy: undefined members: 0
