import { MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  jsonCodec,
  MemoryTransport,
  RequestError,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireServer,
  WebwireStream,
  type Message,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { WebwireClient, type ClientOptions } from 'nestjs-webwire/client';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { connected, FakeServer, hexId, nextTurn, type FakeSocket } from './fake-server.js';
import { outcome } from './outcome.js';

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  made = 0;
  readonly log = new Queue<string>();

  @WebwireStream('count') async *count(@MessageBody() end: string) {
    try {
      for (let n = 0; n < Number(end); n++) {
        this.made++;
        yield String(n);
      }
    } finally {
      this.log.push('stopped');
    }
  }
  @WebwireStream('fail') async *fail() {
    yield 'one';
    throw new RequestError('BROKEN', 'it broke');
  }
  @WebwireStream('silent') async *silent(@WebwireMessage() { abortSignal }: Message) {
    yield 'one';
    await once(abortSignal, 'abort');
    this.log.push('aborted');
  }
  @WebwireStream('json', { codec: jsonCodec }) async *json(@MessageBody() names: string[]) {
    for (const name of names) yield { name };
  }
  @WebwireRequest('watch') async watch(@WebwireMessage() { abortSignal }: Message) {
    this.log.push('started');
    await once(abortSignal, 'abort');
    this.log.push('aborted');
  }
  @WebwireRequest('later') async later(@MessageBody() body: string) {
    await Promise.resolve();
    return body;
  }
  @WebwireRequest('echo') echo(@MessageBody() body: string) {
    return body;
  }
}

const CARRIAGES = ['WebSockets', 'memory'] as const;

async function start(
  carriage: (typeof CARRIAGES)[number],
  options: ClientOptions = {},
  serverOptions: WebwireModuleOptions = {},
) {
  const transport = new MemoryTransport();
  const app = await TestApp.start(
    { providers: [Gateway] },
    { sessions: false, shutdownTimeout: 1_000, ...serverOptions, ...(carriage === 'memory' && { transport }) },
  );
  const webSocket = carriage === 'memory' ? transport.webSocket : (WebSocket as never);
  const client = new WebwireClient(carriage === 'memory' ? 'ws://memory' : app.url(), { webSocket, ...options });
  onTestFinished(async () => {
    await client.close();
    await app.close();
  });
  return { app, client, gateway: app.get(Gateway) };
}

async function collect(items: AsyncIterable<{ text(): string }>): Promise<string[]> {
  const texts: string[] = [];
  for await (const item of items) texts.push(item.text());
  return texts;
}

describe.each(CARRIAGES)('streams over %s', (carriage) => {
  it('have all items, in order', async () => {
    const { client } = await start(carriage);
    const texts = await collect(client.stream('count', '1000'));
    expect(texts).toEqual(Array.from({ length: 1_000 }, (_, n) => String(n)));
  });

  it.each(['0', '1', '31', '32', '33', '63', '64', '65', '128'])('end after %s items', async (count) => {
    const { client } = await start(carriage);
    expect(await collect(client.stream('count', count))).toHaveLength(Number(count));
  });

  it('run side by side, and with requests', async () => {
    const { client } = await start(carriage);
    const streams = Array.from({ length: 60 }, () => collect(client.stream('count', '200')));
    expect((await client.request('echo', 'x')).text()).toBe('x');
    for (const texts of await Promise.all(streams)) expect(texts).toHaveLength(200);
  });

  it('are limited', async () => {
    const { client } = await start(carriage, {}, { maxStreams: 2 });
    const open = [client.stream('silent'), client.stream('silent')];
    for (const stream of open) expect((await stream.next()).value?.text()).toBe('one');
    expect(await outcome(client.stream('silent').next())).toMatch(/^TOO_MANY_STREAMS/);
    await open[0]!.return(undefined);
    expect((await client.request('echo', 'x')).text()).toBe('x');
    const another = client.stream('silent');
    expect((await another.next()).value?.text()).toBe('one');
  });

  it('can follow each other at the limit, also if each is left', async () => {
    const { client } = await start(carriage, {}, { maxStreams: 1 });
    for (let round = 0; round < 20; round++) {
      for await (const item of client.stream('count', '1000')) {
        expect(item.text()).toBe('0');
        break;
      }
    }
  });

  it('hold their source up', async () => {
    const { client, gateway } = await start(carriage);
    const items = client.stream('count', '1000');
    for (let n = 0; n < 10; n++) await items.next();
    expect((await client.request('echo', 'x')).text()).toBe('x');
    expect(gateway.made).toBe(64);
    for (let n = 10; n < 40; n++) await items.next();
    await expect.poll(() => gateway.made).toBe(96);
  });

  it('fail with the error of the handler, after its items', async () => {
    const { client } = await start(carriage);
    const items = client.stream('fail');
    expect((await items.next()).value?.text()).toBe('one');
    expect(await outcome(items.next())).toBe('BROKEN: it broke');
    expect(await items.next()).toEqual({ done: true, value: undefined });
  });

  it('stop when the application leaves the loop', async () => {
    const { client, gateway } = await start(carriage);
    for await (const item of client.stream('count', '1000')) if (item.text() === '5') break;
    await gateway.log.take();
    expect(client.pendingRequests).toBe(0);
  });

  it('stop when their signal is aborted', async () => {
    const { client, gateway } = await start(carriage);
    const controller = new AbortController();
    const items = client.stream('silent', undefined, { signal: controller.signal });
    await items.next();
    const next = items.next();
    controller.abort(new Error('enough'));
    await expect(next).rejects.toMatchObject({ code: 'CANCELED', cause: { message: 'enough' } });
    await gateway.log.take((line) => line === 'aborted');
  });

  it('drop items that were not consumed when their signal is aborted', async () => {
    const { client } = await start(carriage);
    const controller = new AbortController();
    const items = client.stream('count', '50', { signal: controller.signal });
    await items.next();
    await client.request('echo', 'x');
    controller.abort();
    expect(await outcome(items.next())).toMatch(/^CANCELED/);
  });

  it('stop when no item comes in time', async () => {
    const { client, gateway } = await start(carriage);
    const items = client.stream('silent', undefined, { idleTimeout: 1_000 });
    await items.next();
    await expect(items.next()).rejects.toMatchObject({ code: 'TIMEOUT' });
    await gateway.log.take((line) => line === 'aborted');
  });

  it('end with the connection', async () => {
    const { client, gateway } = await start(carriage, { reconnect: false });
    await client.connect();
    const items = client.stream('silent');
    await items.next();
    const next = outcome(items.next());
    for (const connection of gateway.server.connections) void connection.close();
    expect(await next).toMatch(/^DISCONNECTED/);
    await gateway.log.take((line) => line === 'aborted');
  });

  it('end when the client closes', async () => {
    const { client, gateway } = await start(carriage);
    const items = client.stream('silent');
    await items.next();
    const next = outcome(items.next());
    await client.close();
    expect(await next).toMatch(/^DISCONNECTED/);
    await gateway.log.take((line) => line === 'aborted');
  });

  it('have the codec of the client', async () => {
    const { client } = await start(carriage, { codec: jsonCodec });
    const bodies: unknown[] = [];
    for await (const item of client.stream('json', ['Ada', 'Bob'])) bodies.push(item.body);
    expect(bodies).toEqual([{ name: 'Ada' }, { name: 'Bob' }]);
  });

  it('are not the replies to requests', async () => {
    const { client } = await start(carriage);
    const items = client.stream('echo', 'x');
    expect(await outcome(items.next())).toBe('EXTENSION_REQUIRED: the server sent no stream');
    expect(await items.next()).toEqual({ done: true, value: undefined });
  });

  it('need extensions on both sides', async () => {
    const without = await start(carriage, {}, { extensions: false });
    expect(await outcome(without.client.stream('count', '1').next())).toMatch(/^EXTENSION_REQUIRED/);
    const plain = await start(carriage, { extensions: false });
    expect(await outcome(plain.client.stream('count', '1').next())).toMatch(/^EXTENSION_REQUIRED/);
  });
});

describe.each(CARRIAGES)('a client over %s at its concurrencyLimit', (carriage) => {
  it('gets all replies and streams, although more than 64 requests wait', async () => {
    const { client } = await start(carriage, {}, { concurrencyLimit: 1, maxStreams: 4 });
    const opened = client.stream('count', '500');
    await opened.next();
    const replies = Promise.all(Array.from({ length: 300 }, (_, n) => client.request('later', String(n))));
    const late = Array.from({ length: 3 }, () => collect(client.stream('count', '200')));
    expect(await collect(opened)).toHaveLength(499);
    expect((await replies).map((reply) => reply.text())).toEqual(Array.from({ length: 300 }, (_, n) => String(n)));
    for (const texts of await Promise.all(late)) expect(texts).toHaveLength(200);
  });

  it('can cancel requests that end in no other way, although thousands of them wait', async () => {
    const { client, gateway } = await start(carriage, {}, { concurrencyLimit: 2 });
    await client.connect();
    const controllers = Array.from({ length: 5_000 }, () => new AbortController());
    const watched = controllers.map(({ signal }) => outcome(client.request('watch', undefined, { signal })));
    const last = client.request('later', 'last');
    for (let count = 0; count < 2; count++) await gateway.log.take((line) => line === 'started');
    for (const controller of controllers) controller.abort();
    for (const text of await Promise.all(watched)) expect(text).toMatch(/^CANCELED/);
    expect((await last).text()).toBe('last');
  });

  it('can cancel them one by one', async () => {
    const { client, gateway } = await start(carriage, {}, { concurrencyLimit: 1 });
    await client.connect();
    const controllers = Array.from({ length: 1_500 }, () => new AbortController());
    const watched = controllers.map(({ signal }) => outcome(client.request('watch', undefined, { signal })));
    const signals = Promise.all(Array.from({ length: 1_500 }, () => client.signal('nothing', 'x')));
    for (const controller of controllers) {
      await gateway.log.take((line) => line === 'started');
      controller.abort();
      await gateway.log.take((line) => line === 'aborted');
    }
    for (const text of await Promise.all(watched)) expect(text).toMatch(/^CANCELED/);
    await signals;
  });

  it('sends all that waits before it closes', async () => {
    const { client } = await start(carriage, {}, { concurrencyLimit: 1 });
    await client.connect();
    const replies = Promise.all(Array.from({ length: 5_000 }, (_, n) => client.request('later', String(n))));
    const signals = Promise.all(Array.from({ length: 100 }, () => client.signal('nothing', 'x')));
    await client.close();
    expect(await replies).toHaveLength(5_000);
    await signals;
  });

  it('can cancel what runs while less than 64 requests wait', async () => {
    const { client, gateway } = await start(carriage, {}, { concurrencyLimit: 1 });
    const controller = new AbortController();
    const watched = outcome(client.request('watch', undefined, { signal: controller.signal }));
    await gateway.log.take((line) => line === 'started');
    const replies = Promise.all(Array.from({ length: 60 }, (_, n) => client.request('later', String(n))));
    controller.abort();
    expect(await watched).toMatch(/^CANCELED/);
    expect(await replies).toHaveLength(60);
  });
});

describe.each(CARRIAGES)('requests over %s that are given up', (carriage) => {
  it('are canceled by their signal', async () => {
    const { client, gateway } = await start(carriage);
    const controller = new AbortController();
    const request = outcome(client.request('watch', undefined, { signal: controller.signal }));
    await gateway.log.take((line) => line === 'started');
    controller.abort();
    expect(await request).toMatch(/^CANCELED/);
    await gateway.log.take((line) => line === 'aborted');
  });

  it('are canceled by their timeout', async () => {
    const { client, gateway } = await start(carriage);
    await client.connect();
    const request = outcome(client.request('watch', undefined, { timeout: 200 }));
    await gateway.log.take((line) => line === 'started');
    expect(await request).toMatch(/^TIMEOUT/);
    await gateway.log.take((line) => line === 'aborted');
    expect((await client.request('echo', 'x')).text()).toBe('x');
  });
});

describe('what the client sends', () => {
  const ASK = /^8000000000000000000e7777723a657874656e73696f6e73/;

  async function open(options: ClientOptions = {}, streamWindow = 64) {
    const { client, socket } = await connected(new FakeServer(), options);
    const items = client.stream('s', 'x');
    const first = items.next();
    expect(await socket.received.take()).toMatch(ASK);
    expect(await socket.received.take()).toBe(`80${hexId(1)}017378`);
    socket.say(`c0${hexId(0)}${hex(`{"extensions":["stream","cancel","ping"],"streamWindow":${streamWindow}}`)}`);
    return { client, socket, items, first };
  }

  function hex(text: string): string {
    return Buffer.from(text).toString('hex');
  }

  function say(socket: FakeSocket, item: string) {
    socket.say(`4019${hex(`wwr:item:${hexId(1)}`)}${hex(item)}`);
  }

  it('is nothing without a connection, and the timeout says so', async () => {
    const client = new FakeServer().client({ requestTimeout: 10 });
    expect(await outcome(client.stream('s').next())).toBe(
      'TIMEOUT: timeout after 10 ms: no connection: still connecting to ws://localhost/',
    );
  });

  it('asks once, then grants and cancels', async () => {
    const { socket, items, first } = await open({}, 4);
    for (const item of ['a', 'b', 'c']) say(socket, item);
    expect((await first).value?.text()).toBe('a');
    expect((await items.next()).value?.text()).toBe('b');
    expect(await socket.received.take()).toBe(`4019${hex(`wwr:more:${hexId(1)}`)}32`);
    expect((await items.next()).value?.text()).toBe('c');
    await items.return(undefined);
    expect(await socket.received.take()).toBe(`3f1b${hex(`wwr:cancel:${hexId(1)}`)}`);
    say(socket, 'late');
    socket.say(`00${hexId(1)}0843414e43454c4544`);
    await nextTurn();
    expect(socket.received.rest).toEqual([]);
    expect(socket.readyState).toBe(1);
  });

  it('ends the connection when the server sends more than was granted', async () => {
    const { socket, first } = await open({ reconnect: false }, 2);
    void first.catch(() => undefined);
    for (let n = 0; n < 4; n++) {
      say(socket, 'x');
      await nextTurn();
    }
    expect(await socket.closed.take()).toBe('4002 UNEXPECTED_MESSAGE');
  });

  it('ignores items without a stream, and does not show reserved signals', async () => {
    const { client, socket } = await connected(new FakeServer());
    const signals: string[] = [];
    client.onSignal((_payload, name) => signals.push(name));
    for (const name of ['wwr:item:0100000000000000', 'wwr:item:x', 'wwr:busy', 'wwr:new']) {
      socket.say(`3f${name.length.toString(16).padStart(2, '0')}${hex(name)}`);
    }
    socket.say('400161');
    await expect.poll(() => signals).toEqual(['a']);
  });

  it('cannot have reserved names', async () => {
    const { client } = await connected(new FakeServer());
    expect(() => client.stream('wwr:x')).toThrow(/reserved/);
    expect(await outcome(client.request('wwr:ping'))).toMatch(/reserved/);
    expect(await outcome(client.signal('wwr:x'))).toMatch(/reserved/);
  });

  it('is a cancellation only where the server has it', async () => {
    const { client, socket } = await connected(new FakeServer());
    const controller = new AbortController();
    const request = outcome(client.request('r', 'x', { signal: controller.signal }));
    await socket.received.take();
    controller.abort();
    await request;
    expect(await socket.received.take()).toMatch(ASK);
    expect(await socket.received.take()).toBe(`3f1b${hex(`wwr:cancel:${hexId(1)}`)}`);
    socket.say(`00${hexId(0)}094e4f545f464f554e44`);
    await nextTurn();
    const other = outcome(client.request('r', 'x', { timeout: 1 }));
    expect(await socket.received.take()).toBe(`80${hexId(2)}017278`);
    await other;
    await nextTurn();
    expect(socket.received.rest).toEqual([]);
  });

  it('is plain WebWire with extensions: false', async () => {
    const { client, socket } = await connected(new FakeServer(), { extensions: false });
    const request = outcome(client.request('r', 'x', { timeout: 1 }));
    expect(await socket.received.take()).toBe(`80${hexId(1)}017278`);
    await request;
    await nextTurn();
    expect(socket.received.rest).toEqual([]);
  });
});
