/** Starts the server for `probe()` at a free port, and prints its URL. */
// oxlint-disable-next-line import/no-unassigned-import -- it has effects only
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AddressInfo, Server } from 'node:net';
import { WebwireModule } from 'nestjs-webwire';
import { PrivateGateway, ProbeGateway, probeOptions } from './probe.gateway.js';

@Module({ imports: [WebwireModule.forRoot(probeOptions())], providers: [ProbeGateway, PrivateGateway] })
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
// Deno cannot listen for all signals that Nest takes by default.
app.enableShutdownHooks(['SIGINT', 'SIGTERM']);
await app.listen(0, '127.0.0.1');
const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
console.log(`ws://127.0.0.1:${port}/`);
