import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  MemoryTransport,
  RequestError,
  WebwireConnection,
  WebwireGateway,
  WebwireRequest,
  WebwireSignal,
} from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { TestApp } from '../support/test-app.js';
import { closeAfterTest, FakeServer } from './fake-server.js';

@WebwireGateway()
class G {
  @WebwireRequest('greet') greet(@MessageBody() n: string) {
    return `Hello ${n}`;
  }
  @WebwireRequest('fail') fail() {
    throw new RequestError('A', 'b');
  }
  @WebwireRequest('auth') async auth(@ConnectedSocket() c: WebwireConnection) {
    await c.createSession({ a: 1 });
  }
  @WebwireRequest('who') who(@ConnectedSocket() c: WebwireConnection) {
    return c.session?.info ?? null;
  }
  @WebwireSignal('s') s(@MessageBody() n: string, @ConnectedSocket() c: WebwireConnection) {
    c.signal('t', n);
  }
  @WebwireRequest('drop') async drop(@ConnectedSocket() c: WebwireConnection) {
    void c.close();
  }
}

it.each(['ws', 'memory'])('smoke %s', async (kind) => {
  const transport = new MemoryTransport();
  const app = await TestApp.start({ providers: [G] }, kind === 'memory' ? { transport } : {});
  const client = closeAfterTest(
    new WebwireClient(kind === 'memory' ? 'ws://localhost' : app.url(), {
      webSocket: kind === 'memory' ? transport.webSocket : WebSocket,
    }),
  );
  const events: string[] = [];
  for (const n of ['connected', 'disconnected', 'reconnecting', 'sessionCreated', 'sessionClosed', 'error'] as const)
    client.on(n, () => {
      events.push(n);
    });
  await client.connect();
  expect((await client.request('greet', 'Ada')).text()).toBe('Hello Ada');
  await expect(client.request('fail')).rejects.toMatchObject({ code: 'A', message: 'b', name: 'RequestError' });
  await client.request('auth');
  expect(client.session?.info).toEqual({ a: 1 });
  const got = new Promise((resolve) => client.onSignal('t', (p) => resolve(p.body)));
  await client.signal('s', 'x');
  expect(await got).toBe('x');
  await client.request('drop');
  const who = await client.request('who');
  expect(who.json()).toEqual({ a: 1 });
  await client.close();
  expect(client.status).toBe('closed');
  expect(events).toEqual(['connected', 'sessionCreated', 'disconnected', 'reconnecting', 'connected', 'disconnected']);
  await app.close();
});

it('fake', async () => {
  const server = new FakeServer();
  const client = new WebwireClient('ws://h', { webSocket: server.webSocket });
  const connecting = client.connect();
  const socket = await server.accept();
  await connecting;
  const r = client.request('a', 'b');
  expect(await socket.received.take()).toBe('800100000000000000016162');
  socket.say('c0010000000000000063');
  expect((await r).text()).toBe('c');
  await client.close();
});
