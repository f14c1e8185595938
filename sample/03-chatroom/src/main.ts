import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { AppModule } from './app.module.js';
import { serveWebPage } from './web-page.js';

const logger = new Logger('Chatroom');
const port = Number(process.env.PORT ?? 3000);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  logger.error(`PORT must be an integer from 0 to 65535, but is "${process.env.PORT}"`);
  process.exit(1);
}

const app = await NestFactory.create<NestExpressApplication>(AppModule);
serveWebPage(app);
app.enableShutdownHooks();

try {
  await app.listen(port);
  const { port: actualPort } = app.getHttpServer().address() as AddressInfo;
  const url = `http://localhost:${actualPort}/`;
  logger.log(`The chat room is open: ${url} - in a terminal: npm run chat -- ${url}`);
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  logger.error(code === 'EADDRINUSE' ? `Port ${port} is in use: choose another with PORT=3001 npm start` : message);
  process.exitCode = 1;
  await app.close();
}
