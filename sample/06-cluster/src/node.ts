import { ConsoleLogger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { serveWebPage } from '../../03-chatroom/src/web-page.js';
import { AppModule } from './app.module.js';

// One node: a process of its own, which tells its parent where it listens.
const logger = new ConsoleLogger({ prefix: `Node ${process.argv[2]}`, logLevels: ['warn', 'error', 'fatal'] });
const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger });
serveWebPage(app);
app.enableShutdownHooks();
// A node without a proxy in front of it is of no use.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
await app.listen(0, '127.0.0.1');
process.send?.((app.getHttpServer().address() as AddressInfo).port);
