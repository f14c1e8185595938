import { CacheTTL } from '@nestjs/cache-manager';
import { Controller, Get, UseInterceptors } from '@nestjs/common';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  jsonCodec,
  type Message,
  RequestError,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
} from 'nestjs-webwire';
import { Payload } from 'nestjs-webwire/protocol';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { MessageCacheInterceptor, RepliesModule } from './cache.module.js';

@UseInterceptors(MessageCacheInterceptor)
@WebwireGateway()
class Gateway {
  calls = 0;
  readonly notes = new Queue<string>();

  @WebwireRequest('text') text(@MessageBody() body: string | Buffer) {
    return `${typeof body} ${body.toString()} ${++this.calls}`;
  }
  @WebwireRequest('other') other(@MessageBody() body: string) {
    return `other ${body} ${++this.calls}`;
  }
  @CacheTTL(1_000) @WebwireRequest('short') short() {
    return `short ${++this.calls}`;
  }
  @WebwireRequest('bytes') bytes() {
    return Buffer.from([0, 255, ++this.calls]);
  }
  @WebwireRequest('refuse') refuse() {
    throw new RequestError('NOT_NOW', String(++this.calls));
  }
  @WebwireSignal('note') note(@MessageBody() body: string) {
    this.notes.push(body);
  }
  @WebwireRequest({ fallback: true }) others(@WebwireMessage() { name }: Message) {
    return `${name} ${++this.calls}`;
  }
}

/** Its messages have no interceptor. */
@WebwireGateway()
class SignInGateway {
  @WebwireRequest('sign in') signIn(@MessageBody() name: string, @ConnectedSocket() { info }: WebwireConnection) {
    info.user = name;
  }
}

@UseInterceptors(MessageCacheInterceptor)
@WebwireGateway({ path: '/json', codec: jsonCodec })
class JsonGateway {
  calls = 0;
  @WebwireRequest('json') json(@MessageBody() body: unknown) {
    return `${Buffer.isBuffer(body) ? 'bytes' : typeof body} ${++this.calls}`;
  }
  @WebwireRequest('object') object() {
    return { list: [1, 'two', null], calls: ++this.calls };
  }
}

@UseInterceptors(MessageCacheInterceptor)
@Controller()
class PageController {
  calls = 0;
  @Get('page') page() {
    return `page ${++this.calls}`;
  }
}

async function start() {
  const app = await TestApp.start(
    { imports: [RepliesModule], providers: [Gateway, SignInGateway, JsonGateway], controllers: [PageController] },
    { sessions: false },
  );
  onTestFinished(() => app.close());
  return { app, client: await app.connect() };
}

afterEach(() => void vi.useRealTimers());

it('a request is answered from the cache if the same client has sent it before', async () => {
  const { client } = await start();
  expect(await client.ask('text', 'a')).toBe('utf8 string a 1');
  expect(await client.ask('text', 'a')).toBe('utf8 string a 1');
});

it('other bodies and other handlers have replies of their own', async () => {
  const { client } = await start();
  expect(await client.ask('text', 'a')).toBe('utf8 string a 1');
  expect(await client.ask('text', 'b')).toBe('utf8 string b 2');
  expect(await client.ask('text', '')).toBe('utf8 string  3');
  expect(await client.ask('other', 'a')).toBe('utf8 other a 4');
  expect(await client.ask('text', Payload.binary(Buffer.from('a')))).toBe('utf8 object a 5');
  expect(await client.ask('text', 'a')).toBe('utf8 string a 1');
});

it('users do not get the replies of others, but those that they got on other connections', async () => {
  const { app, client } = await start();
  const other = await app.connect();
  await client.ask('sign in', 'Ada');
  await other.ask('sign in', 'Bob');
  expect(await client.ask('text', 'a')).toBe('utf8 string a 1');
  expect(await other.ask('text', 'a')).toBe('utf8 string a 2');
  const anonymous = await app.connect();
  expect(await anonymous.ask('text', 'a')).toBe('utf8 string a 3');
  await anonymous.ask('sign in', 'Ada');
  expect(await anonymous.ask('text', 'a')).toBe('utf8 string a 1');
});

it('bytes and JSON come from the cache as they were', async () => {
  const { app, client } = await start();
  for (let n = 0; n < 2; n++) expect(await client.ask('bytes')).toBe('binary 00ff01');
  const json = await app.connect('/json');
  for (let n = 0; n < 2; n++) expect(await json.ask('object')).toBe('utf8 {"list":[1,"two",null],"calls":1}');
});

it('each name that a fallback takes has replies of its own', async () => {
  const { client } = await start();
  expect(await client.ask('a', 'x')).toBe('utf8 a 1');
  expect(await client.ask('b', 'x')).toBe('utf8 b 2');
  expect(await client.ask('a', 'x')).toBe('utf8 a 1');
});

it('no body is another body than null', async () => {
  const { app } = await start();
  const client = await app.connect('/json');
  expect(await client.ask('json', Payload.binary(new Uint8Array()))).toBe('utf8 "undefined 1"');
  expect(await client.ask('json', 'null')).toBe('utf8 "object 2"');
});

it('JSON that looks like bytes is another body than the bytes', async () => {
  const { app } = await start();
  const client = await app.connect('/json');
  expect(await client.ask('json', Payload.binary(Buffer.from([1])))).toBe('utf8 "bytes 1"');
  expect(await client.ask('json', '{"type":"Buffer","data":[1]}')).toBe('utf8 "object 2"');
});

it('refusals are not kept, and signals always reach their handler', async () => {
  const { app, client } = await start();
  expect(await client.ask('refuse')).toBe('error NOT_NOW: 1');
  expect(await client.ask('refuse')).toBe('error NOT_NOW: 2');
  client.signal('note', 'x');
  client.signal('note', 'x');
  const { notes } = app.get(Gateway);
  expect([await notes.take(), await notes.take()]).toEqual(['x', 'x']);
});

it('a reply is kept for its time to live', async () => {
  const { client } = await start();
  vi.useFakeTimers({ toFake: ['Date'] });
  expect(await client.ask('short')).toBe('utf8 short 1');
  vi.setSystemTime(Date.now() + 999);
  expect(await client.ask('short')).toBe('utf8 short 1');
  vi.setSystemTime(Date.now() + 2);
  expect(await client.ask('short')).toBe('utf8 short 2');
});

it('HTTP requests are answered from the cache as before, with its header', async () => {
  const { app } = await start();
  const page = async () => {
    const response = await fetch(`http://127.0.0.1:${app.port}/page`);
    return [response.headers.get('x-cache'), await response.text()];
  };
  expect(await page()).toEqual(['MISS', 'page 1']);
  expect(await page()).toEqual(['HIT', 'page 1']);
});
