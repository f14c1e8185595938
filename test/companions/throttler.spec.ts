import { Controller, Get, UseGuards } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import { Throttle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import {
  jsonCodec,
  UseHandshakeGuards,
  WebwireGateway,
  WebwireRequest,
  WebwireSignal,
  WebwireStream,
} from 'nestjs-webwire';
import { createTestClient } from 'nestjs-webwire/testing';
import { expect, it, onTestFinished } from 'vitest';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { describe, WireClient } from '../support/wire-client.js';
import { refusal } from '../support/refusal.js';
import { LimitsModule, MessageThrottlerGuard } from './throttler.module.js';

const LIMITED = 'error TOO_MANY_REQUESTS: ThrottlerException: Too Many Requests';

@Throttle({ default: { limit: 2, ttl: 60_000 } })
@WebwireGateway()
class Gateway {
  readonly notes = new Queue<string>();
  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
  @WebwireRequest('other') other() {
    return 'other';
  }
  @WebwireSignal('note') note(@MessageBody() body: string) {
    this.notes.push(body);
  }
  @WebwireStream('items') async *items() {
    yield 'item';
  }
}

@Controller()
class HttpController {
  @Throttle({ default: { limit: 1, ttl: 60_000 } })
  @Get('page')
  page() {
    return 'page';
  }
}

async function start() {
  const metadata = { imports: [LimitsModule], providers: [Gateway], controllers: [HttpController] };
  const app = await TestApp.start(metadata, { sessions: false, trustProxy: 1 });
  onTestFinished(() => app.close());
  const connectFrom = async (ip: string) => {
    const client = await WireClient.connect(app.url(), { headers: { 'x-forwarded-for': ip } });
    onTestFinished(() => client.socket.terminate());
    return client;
  };
  return { app, connectFrom };
}

it('the throttler limits the messages of a client for each handler', async () => {
  const { connectFrom } = await start();
  const client = await connectFrom('192.0.2.1');
  expect(await client.ask('echo', 'one')).toBe('utf8 one');
  expect(await client.ask('echo', 'two')).toBe('utf8 two');
  expect(await client.ask('echo', 'three')).toBe(LIMITED);
  expect(await client.ask('other')).toBe('utf8 other');
});

it('a client at its limit limits only clients with the same address', async () => {
  const { connectFrom } = await start();
  const client = await connectFrom('192.0.2.1');
  for (const body of ['one', 'two', 'three']) await client.ask('echo', body);
  const sameAddress = await connectFrom('192.0.2.1');
  expect(await sameAddress.ask('echo')).toBe(LIMITED);
  const otherAddress = await connectFrom('192.0.2.2');
  expect(await otherAddress.ask('echo', 'hello')).toBe('utf8 hello');
});

it('the throttler counts messages that are sent at once', async () => {
  const { connectFrom } = await start();
  const client = await connectFrom('192.0.2.1');
  for (let n = 0; n < 4; n++) client.send('echo', 'x');
  const replies = [];
  for (let n = 0; n < 4; n++) replies.push(describe(await client.next()));
  expect(replies.toSorted()).toEqual([LIMITED, LIMITED, 'utf8 x', 'utf8 x']);
});

it('the throttler drops signals and refuses streams beyond the limit', async () => {
  const { app, connectFrom } = await start();
  const client = await connectFrom('192.0.2.1');
  await client.ask('wwr:extensions', '{"extensions":["stream"]}');
  for (const body of ['one', 'two', 'three']) client.signal('note', body);
  for (let n = 0; n < 2; n++) {
    client.send('items');
    for (let part = 0; part < 2; part++) await client.next();
  }
  expect(await client.ask('items')).toBe(LIMITED);
  await app.logger.logged('debug', 'Signal "note" was refused');
  expect(app.get(Gateway).notes.rest).toEqual(['one', 'two']);
});

it('the throttler limits the upgrades of each address, as a handshake guard', async () => {
  @UseHandshakeGuards(MessageThrottlerGuard)
  @Throttle({ default: { limit: 2, ttl: 60_000 } })
  @WebwireGateway()
  class Door {}
  const metadata = { imports: [LimitsModule], providers: [Door] };
  const app = await TestApp.start(metadata, { sessions: false, trustProxy: 1 });
  onTestFinished(() => app.close());
  const from = (ip: string) => ({ headers: { 'x-forwarded-for': ip } });
  for (let n = 0; n < 2; n++) (await WireClient.connect(app.url(), from('192.0.2.1'))).socket.terminate();
  expect(await refusal(app.url(), from('192.0.2.1'))).toBe('429 ThrottlerException: Too Many Requests');
  (await WireClient.connect(app.url(), from('192.0.2.2'))).socket.terminate();
});

it('the throttler limits HTTP requests as before, with its headers', async () => {
  const { app } = await start();
  const response = await fetch(`http://127.0.0.1:${app.port}/page`);
  expect(response.headers.get('x-ratelimit-remaining')).toBe('0');
  expect((await fetch(`http://127.0.0.1:${app.port}/page`)).status).toBe(429);
});

it('the throttler treats connections without an address as one client', async () => {
  const { app } = await start();
  const [client, other] = [createTestClient(app.app), createTestClient(app.app)];
  await client.connect();
  await other.connect();
  onTestFinished(async () => {
    await client.close();
    await other.close();
  });
  await client.request('echo', 'x');
  await other.request('echo', 'x');
  await expect(client.request('echo', 'x')).rejects.toMatchObject({ code: 'TOO_MANY_REQUESTS' });
});

it('where the guard of the throttler itself fails, the log names it, the handler and the remedy', async () => {
  @UseGuards(ThrottlerGuard)
  @WebwireGateway({ codec: jsonCodec })
  class Stock {
    @WebwireRequest('stock') stock() {
      return 'stock';
    }
  }
  const app = await TestApp.start(
    { imports: [ThrottlerModule.forRoot([{ limit: 2, ttl: 60_000 }])], providers: [Stock] },
    { sessions: false },
  );
  onTestFinished(() => app.close());
  const client = await app.connect();
  expect(await client.ask('stock')).toBe('internal error');
  expect(await app.logger.logged('error', 'The guard ThrottlerGuard failed on Stock.stock')).toContain(
    'Let the guard check context.getType() first',
  );
});
