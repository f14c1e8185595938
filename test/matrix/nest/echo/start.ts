/** Starts the echo sample on the HTTP server that `HTTP` names. Without top-level `await`, so that it may be CommonJS. */
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { AddressInfo } from 'node:net';
import { AppModule } from '../../../../sample/01-echo/src/app.module.js';

async function start(): Promise<void> {
  const adapter = process.env.HTTP === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(AppModule, adapter);
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address() as AddressInfo;
  console.log(`ws://127.0.0.1:${port}/`);
}

void start();
