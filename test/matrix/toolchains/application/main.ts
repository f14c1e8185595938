/** Starts the application, talks to it as a client, prints the answers, and ends. */
import { NestFactory } from '@nestjs/core';
import type { AddressInfo, Server } from 'node:net';
import { jsonCodec, RequestError } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { PROTOCOL_MAJOR_VERSION } from 'nestjs-webwire/protocol';
import { WebSocket } from 'ws';
import { AppModule } from './app.module.js';

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  await app.listen(0);
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const client = new WebwireClient(`ws://localhost:${port}`, { codec: jsonCodec, webSocket: WebSocket });
  await client.connect();
  const reply = await client.request('greet', { name: 'Ada' });
  console.log('reply:', reply.json<{ greeting: string }>().greeting);
  await client.request('greet', { name: '' }).catch((error: unknown) => {
    console.log('error:', error instanceof RequestError && error.code);
  });
  const pong = new Promise((resolve) => client.onSignal('pong', (payload) => resolve(payload.json())));
  await client.signal('ping', PROTOCOL_MAJOR_VERSION);
  console.log('signal:', await pong);
  const letters: unknown[] = [];
  for await (const item of client.stream('letters', { name: 'Ada' })) letters.push(item.json());
  console.log('stream:', letters.join(' '));
  await client.close();
  await app.close();
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
