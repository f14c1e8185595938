import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AddressInfo } from 'node:net';
import { AppModule } from './app.module.js';

const app = await NestFactory.create(AppModule);
// On SIGTERM, the server finishes what it has begun, and refuses new work.
app.enableShutdownHooks();
// Only the proxy on this machine may connect. In a container: HOST=0.0.0.0
await app.listen(process.env.PORT ?? 3001, process.env.HOST ?? '127.0.0.1');

const { address, port } = app.getHttpServer().address() as AddressInfo;
new Logger('Orders').log(`WebWire at ws://${address}:${port}/ as process ${process.pid}`);
