import { ConsoleLogger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { serveWebPage } from '../../03-chatroom/src/web-page.js';
import { AppModule } from './app.module.js';

/** The built page of the chat room sample. */
const PAGE = fileURLToPath(new URL('../../../../03-chatroom/dist/page/', import.meta.url));

// The program of one node. It sends its port to its parent process.
const logger = new ConsoleLogger({ prefix: `Node ${process.argv[2]}`, logLevels: ['warn', 'error', 'fatal'] });
const app = await NestFactory.create<NestExpressApplication>(AppModule, { logger });
serveWebPage(app, PAGE);
app.enableShutdownHooks();
// Ends the node when the parent process, which has the proxy, has ended.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
await app.listen(0, '127.0.0.1');
process.send?.((app.getHttpServer().address() as AddressInfo).port);
