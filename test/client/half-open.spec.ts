import { MessageBody } from '@nestjs/websockets';
import { WebwireGateway, WebwireRequest, WebwireStream } from 'nestjs-webwire';
import { WebwireClient, type ClientOptions } from 'nestjs-webwire/client';
import { NEVER } from 'rxjs';
import { expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { FreezingProxy } from '../support/freezing-proxy.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { outcome } from './outcome.js';

// A network that dies without a word: the proxy swallows all bytes of the connections that it has.

@WebwireGateway()
class Gateway {
  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest('wait') wait() {
    return NEVER;
  }
  @WebwireStream('follow') follow() {
    return NEVER;
  }
}

async function start(options: ClientOptions = {}) {
  const app = await TestApp.start({ providers: [Gateway] }, { sessions: false, shutdownTimeout: 100 });
  const proxy = await FreezingProxy.start(app.port);
  const client = new WebwireClient(`ws://127.0.0.1:${proxy.port}`, {
    webSocket: WebSocket,
    livenessTimeout: 300,
    dialTimeout: 1_000,
    reconnect: { minDelay: 1, maxDelay: 10 },
    ...options,
  });
  const disconnected = new Queue<string>();
  client.on('disconnected', ({ error }) => disconnected.push(error.message));
  onTestFinished(async () => {
    await client.close();
    // First, as the server waits for frozen connections.
    await proxy.close();
    await app.close();
  });
  await client.connect();
  return { proxy, client, disconnected };
}

it('a client that only listens gets a new connection', async () => {
  const { proxy, client, disconnected } = await start();
  proxy.freeze();
  expect(await disconnected.take()).toContain('the server does not respond');
  await client.connect();
  expect((await client.request('echo', 'x')).text()).toBe('x');
});

it('requests and streams in flight end', async () => {
  const { proxy, client } = await start();
  expect((await client.request('echo', 'x')).text()).toBe('x');
  const request = outcome(client.request('wait'));
  const stream = outcome(client.stream('follow').next());
  proxy.freeze();
  expect(await request).toMatch(/^DISCONNECTED/);
  expect(await stream).toMatch(/^DISCONNECTED/);
  expect((await client.request('echo', 'x')).text()).toBe('x');
});

it('requests that time out lead to a new connection, long before livenessTimeout', async () => {
  const { proxy, client, disconnected } = await start({
    livenessTimeout: 1_000_000,
    dialTimeout: 200,
    requestTimeout: 50,
  });
  proxy.freeze();
  expect(await outcome(client.request('echo', 'x'))).toMatch(/^TIMEOUT/);
  expect(await disconnected.take()).toContain('the server does not respond');
  await client.connect();
  expect((await client.request('echo', 'x', { timeout: 5_000 })).text()).toBe('x');
});

it('a slow request is no reason to end the connection', async () => {
  const { client, disconnected } = await start({ livenessTimeout: 20, dialTimeout: 5_000 });
  expect(await outcome(client.request('wait', undefined, { timeout: 500 }))).toMatch(/^TIMEOUT/);
  expect((await client.request('echo', 'x')).text()).toBe('x');
  expect(disconnected.rest).toEqual([]);
});
