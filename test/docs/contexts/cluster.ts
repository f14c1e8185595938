// docs/cluster.md
import 'reflect-metadata';
import { Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebwireModule as Original, WebwireService } from 'nestjs-webwire';

const imports: DynamicModule[] = [];
/** Takes the module of the page into the application. */
const WebwireModule = {
  forRoot: (...options: Parameters<typeof Original.forRoot>) => imports.push(Original.forRoot(...options)),
};

// block 1

const alert = (text: string) => console.log('alert', text);
const report = (_count: number) => undefined;

// block 2

@Module({ imports })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error', 'warn'] });
const webwire = app.get(WebwireService);
console.log('healthy:', webwire.clusterHealth?.isHealthy, 'members:', await webwire.countMembers('room'));
await app.close();

// Prints:
// healthy: true members: 0
