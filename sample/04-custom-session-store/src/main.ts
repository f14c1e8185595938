import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AddressInfo } from 'node:net';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.listen(process.env.PORT ?? 3000);

const { port } = app.getHttpServer().address() as AddressInfo;
new Logger('SessionStore').log(
  `WebWire at ws://localhost:${port}/ - sign in with: npm run client -- ws://localhost:${port}`,
);
