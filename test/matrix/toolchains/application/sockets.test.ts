import { Test } from '@nestjs/testing';
import type { AddressInfo, Server } from 'node:net';
import { jsonCodec } from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { AppModule } from './app.module.js';

// Jest also fakes `process.nextTick()`, Vitest does not.
it('messages over sockets arrive while timers are fake', async () => {
  const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
  const app = module.createNestApplication();
  await app.listen(0);
  vi.useFakeTimers();
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  const client = new WebwireClient(`ws://localhost:${port}`, { codec: jsonCodec, webSocket: WebSocket });
  await client.connect();
  const replies = await Promise.all(Array.from({ length: 500 }, () => client.request('greet', { name: 'Ada' })));
  expect(replies.at(-1)?.json()).toEqual({ greeting: 'Hello Ada!' });
  await client.close();
  vi.useRealTimers();
  await app.close();
});
