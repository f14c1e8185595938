import { Injectable, UseGuards, UseInterceptors, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { ConnectedSocket, MessageBody, WebSocketServer } from '@nestjs/websockets';
import {
  RequestError,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireServer,
  WebwireSignal,
  WebwireStream,
  type Message,
  type MessageTracing,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel, type TracingChannel } from 'node:diagnostics_channel';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { NEVER, Observable } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../support/deferred.js';
import { heapInUse } from '../support/heap-in-use.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { describe as show } from '../support/wire-client.js';

type Kind = 'request' | 'signal' | 'stream';
type Event = 'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error';

const EVENTS: readonly Event[] = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];

const storage = new AsyncLocalStorage<string>();

@Injectable()
class Seeing {
  readonly seen: Record<string, unknown> = {};
}

@Injectable()
class Guard {
  constructor(private readonly seeing: Seeing) {}
  canActivate() {
    this.seeing.seen.guard = storage.getStore();
    return true;
  }
}

@Injectable()
class Interceptor {
  constructor(private readonly seeing: Seeing) {}
  intercept(_context: ExecutionContext, next: CallHandler) {
    this.seeing.seen.interceptor = storage.getStore();
    return next.handle();
  }
}

@WebwireGateway()
class Gateway {
  @WebSocketServer() server!: WebwireServer;
  readonly work = deferred();
  calls = 0;
  readonly started = new Queue<string>();
  readonly stopped = deferred<unknown>();
  constructor(readonly seeing: Seeing) {}

  @WebwireRequest('direct') direct(@MessageBody() body: string) {
    this.calls++;
    return body;
  }
  @WebwireRequest('later') async later() {
    await nextTurn();
    return 'late';
  }
  @WebwireRequest('refuse') refuse() {
    throw new RequestError('NOT_NOW', 'try later');
  }
  @WebwireRequest('refuse later') async refuseLater() {
    await nextTurn();
    throw new RequestError('NOT_NOW', 'try later');
  }
  @WebwireRequest('fail') fail() {
    throw new Error('broken');
  }
  @WebwireRequest('fail later') async failLater() {
    await nextTurn();
    throw new Error('broken');
  }
  @WebwireRequest('large') large() {
    return 'x'.repeat(10_000);
  }
  @WebwireRequest('hang') async hang() {
    this.started.push('hang');
    await this.work.promise;
  }
  @WebwireRequest('seen') @UseGuards(Guard) @UseInterceptors(Interceptor) async see() {
    const atOnce = storage.getStore();
    await nextTurn();
    return `${atOnce} ${storage.getStore()}`;
  }
  @WebwireRequest({ fallback: true }) fallback() {
    return 'fallback';
  }

  @WebwireSignal('note') note() {
    this.started.push(`note: ${storage.getStore()}`);
  }
  @WebwireSignal('note later') async noteLater() {
    await nextTurn();
  }
  @WebwireSignal('refuse') async refuseSignal() {
    await nextTurn();
    throw new RequestError('NOT_NOW', 'try later');
  }
  @WebwireSignal('fail') failSignal() {
    throw new Error('broken');
  }
  @WebwireSignal('hang') async hangSignal() {
    this.started.push('hang');
    await this.work.promise;
  }

  @WebwireStream('two') async *two() {
    yield 'one';
    await nextTurn();
    yield 'two';
  }
  @WebwireStream('broken') async *broken() {
    yield 'one';
    throw new RequestError('NOT_NOW', 'try later');
  }
  @WebwireStream('endless') endless() {
    return NEVER;
  }
  @WebwireStream('seen stream') @UseGuards(Guard) @UseInterceptors(Interceptor) async *stream(
    @WebwireMessage() { abortSignal }: Message,
  ) {
    try {
      yield String(storage.getStore());
      await nextTurn();
      yield String(storage.getStore());
      await new Promise((resolve) => abortSignal.addEventListener('abort', resolve));
    } finally {
      this.stopped.resolve(storage.getStore());
    }
  }
  @WebwireStream('observed') observed() {
    return new Observable<string>((subscriber) => {
      subscriber.next(String(storage.getStore()));
      return () => this.stopped.resolve(storage.getStore());
    });
  }
  @WebwireRequest('leave') leave(@ConnectedSocket() connection: WebwireConnection) {
    void connection.close();
    return 'bye';
  }
}

async function start(options: WebwireModuleOptions = {}) {
  const app = await TestApp.start({ providers: [Gateway, Seeing] }, { sessions: false, ...options });
  onTestFinished(async () => {
    app.get(Gateway).work.resolve();
    await app.close();
  });
  const client = await app.connect();
  return { app, client, gateway: app.get(Gateway) };
}

function channelOf(kind: Kind): TracingChannel<object> {
  return tracingChannel(`nestjs-webwire:${kind}`);
}

/** Subscribes to a channel. The events of one message follow each other in the list. */
function record(kind: Kind) {
  const events: string[] = [];
  const contexts: MessageTracing[] = [];
  const over = new Queue<MessageTracing>();
  const subscribers = Object.fromEntries(
    EVENTS.map((event) => [
      event,
      (message: object) => {
        const context = message as MessageTracing;
        events.push(context.outcome === undefined ? event : `${event} ${context.outcome}`);
        if (event === 'start') contexts.push(context);
        if ((event === 'end' || event === 'asyncEnd') && context.outcome) over.push(context);
      },
    ]),
  ) as Record<Event, (message: object) => void>;
  const channel = channelOf(kind);
  channel.subscribe(subscribers);
  onTestFinished(() => channel.unsubscribe(subscribers));
  return { events, contexts, over };
}

/** Makes what runs within a message of this kind see a value in `storage`. */
function bind(kind: Kind) {
  const { start: channel } = tracingChannel<string>(`nestjs-webwire:${kind}`);
  channel.bindStore(storage, (context) => `${kind} ${(context as MessageTracing).message.name}`);
  onTestFinished(() => void channel.unbindStore(storage));
}

describe('the events of a request', () => {
  it.each([
    ['direct', 'replied', false],
    ['later', 'replied', true],
    ['refuse', 'refused NOT_NOW', false],
    ['refuse later', 'refused NOT_NOW', true],
    ['fail', 'failed', false],
    ['fail later', 'failed', true],
    ['large', 'refused REPLY_TOO_LARGE', false],
  ])('are in the order of Node.js, with its outcome: %s', async (name, result, isLate) => {
    const { client } = await start();
    const { events, over } = record('request');
    client.send(name, 'x');
    const context = await over.take();
    const { outcome, code } = context;
    expect(code === undefined ? outcome : `${outcome} ${code}`).toBe(result);
    const failed = outcome === 'replied' ? [] : [`error ${outcome}`];
    expect(events).toEqual(
      isLate
        ? ['start', 'end', ...failed, `asyncStart ${outcome}`, `asyncEnd ${outcome}`]
        : ['start', ...failed, `end ${outcome}`],
    );
  });

  it('have the server, the connection, the message, the gateway and the handler', async () => {
    const { client, gateway } = await start();
    const { over } = record('request');
    await client.ask('direct', 'x');
    const context = await over.take();
    const [connection] = gateway.server.connections;
    expect(context.server).toBe(gateway.server);
    expect(context.connection).toBe(connection);
    expect(context.message.payload.text()).toBe('x');
    expect(context).toMatchObject({ gateway: 'Gateway', handler: 'direct', route: 'direct', error: undefined });
  });

  it('have the error of the handler', async () => {
    const { client } = await start();
    const { over } = record('request');
    await client.ask('fail');
    expect((await over.take()).error).toMatchObject({ message: 'broken' });
    await client.ask('refuse later');
    expect((await over.take()).error).toMatchObject({ code: 'NOT_NOW', message: 'try later' });
  });

  it('have no route for a fallback, as clients choose such names', async () => {
    const { client } = await start();
    const { over } = record('request');
    await client.ask('anything');
    expect(await over.take()).toMatchObject({ handler: 'fallback', route: undefined, outcome: 'replied' });
  });

  it('have no handler if no handler takes it', async () => {
    @WebwireGateway()
    class Empty {}
    const app = await TestApp.start({ providers: [Empty] }, { sessions: false });
    onTestFinished(() => app.close());
    const { over } = record('request');
    const client = await app.connect();
    await client.ask('nothing');
    const expected = {
      gateway: undefined,
      handler: undefined,
      route: undefined,
      outcome: 'refused',
      code: 'NOT_FOUND',
    };
    expect(await over.take()).toMatchObject(expected);
  });

  it('end at once, and once, when the client gives it up', async () => {
    const { client, gateway } = await start();
    await client.ask('wwr:extensions', '{"extensions":["cancel"]}');
    const { events, over } = record('request');
    const id = client.send('hang');
    await gateway.started.take();
    client.signal(`wwr:cancel:${Buffer.from(id).toString('hex')}`);
    expect(await over.take()).toMatchObject({ outcome: 'canceled', code: undefined, error: undefined });
    gateway.work.resolve();
    await client.ask('direct');
    expect(events.slice(0, 4)).toEqual(['start', 'end', 'asyncStart canceled', 'asyncEnd canceled']);
    expect(events.slice(4)).not.toContain('asyncEnd replied');
  });

  it('report a request that the client gives up while it waits', async () => {
    const { client, gateway } = await start({ concurrencyLimit: 1 });
    await client.ask('wwr:extensions', '{"extensions":["cancel"]}');
    client.send('hang');
    await gateway.started.take();
    const { events, over } = record('request');
    const id = client.send('direct');
    client.signal(`wwr:cancel:${Buffer.from(id).toString('hex')}`);
    expect(await over.take()).toMatchObject({ outcome: 'canceled', handler: 'direct' });
    expect(events).toEqual(['start', 'end canceled']);
  });

  it('keep no memory of requests whose handlers were not called', async () => {
    const { client, gateway } = await start({ concurrencyLimit: 1, rateLimit: { limit: 101, window: 60_000 } });
    await client.ask('wwr:extensions', '{"extensions":["cancel"]}');
    const messages: WeakRef<object>[] = [];
    const channel = channelOf('request');
    const subscribers = { start: (context: object) => messages.push(new WeakRef((context as MessageTracing).message)) };
    channel.subscribe(subscribers as never);
    onTestFinished(() => channel.unsubscribe(subscribers as never));
    client.send('hang');
    await gateway.started.take();
    for (let count = 0; count < 100; count++) {
      const id = client.send('direct');
      client.signal(`wwr:cancel:${Buffer.from(id).toString('hex')}`);
      expect(show(await client.next())).toMatch(/^error CANCELED/);
    }
    expect(await client.ask('direct')).toMatch(/^error TOO_MANY_REQUESTS/);
    expect(messages).toHaveLength(102);
    await heapInUse();
    expect(messages.filter((message) => message.deref()).length).toBeLessThan(10);
  });

  it('end when the connection is lost, while the handler still runs', async () => {
    const { client, gateway } = await start();
    const { events, over } = record('request');
    client.send('hang');
    await gateway.started.take();
    client.socket.terminate();
    expect(await over.take()).toMatchObject({ outcome: 'connection-lost', error: undefined });
    expect(events).toEqual(['start', 'end', 'asyncStart connection-lost', 'asyncEnd connection-lost']);
  });

  it('end when the server shuts down before the handler has ended', async () => {
    const { client, gateway } = await start({ shutdownTimeout: 0 });
    const { over } = record('request');
    client.send('hang');
    await gateway.started.take();
    await gateway.server.shutdown();
    expect((await over.take()).outcome).toBe('shutdown');
  });

  it('report the reply of a handler that ends in time while the server shuts down', async () => {
    const { client, gateway } = await start();
    const { over } = record('request');
    client.send('hang');
    await gateway.started.take();
    const shutdown = gateway.server.shutdown();
    gateway.work.resolve();
    await shutdown;
    expect((await over.take()).outcome).toBe('replied');
  });

  it('report a request that comes too late, or waits, when the server shuts down', async () => {
    const { client, gateway } = await start({ concurrencyLimit: 2 });
    client.send('hang');
    client.send('hang');
    await gateway.started.take();
    await gateway.started.take();
    const { events, over } = record('request');
    client.send('direct');
    client.send('wwr:ping');
    await nextTurn();
    const shutdown = gateway.server.shutdown();
    expect((await over.take()).outcome).toBe('shutdown');
    client.send('later');
    expect((await over.take()).message.name).toBe('later');
    expect(events).toEqual(['start', 'end shutdown', 'start', 'end shutdown']);
    gateway.work.resolve();
    await shutdown;
  });

  it('report a request beyond the rate limit, whose handler is not called', async () => {
    const { client, gateway } = await start({ rateLimit: { limit: 1, window: 60_000, burst: 1 } });
    const { events, over } = record('request');
    await client.ask('direct', 'x');
    await over.take();
    expect(await client.ask('direct', 'x')).toContain('TOO_MANY_REQUESTS');
    expect(await over.take()).toMatchObject({ outcome: 'refused', code: 'TOO_MANY_REQUESTS', handler: 'direct' });
    expect(events.slice(2)).toEqual(['start', 'error refused', 'end refused']);
    expect(gateway.calls).toBe(1);
  });

  it('report the reply of a handler that closes the connection', async () => {
    const { client } = await start();
    const { over } = record('request');
    expect(await client.ask('leave')).toBe('utf8 bye');
    expect((await over.take()).outcome).toBe('replied');
  });

  it('are not published for messages of extensions, nor on other channels', async () => {
    const { client } = await start();
    const requests = record('request');
    const signals = record('signal');
    const streams = record('stream');
    await client.ask('wwr:extensions', '{"extensions":["ping"]}');
    await client.ask('wwr:ping');
    await client.ask('direct');
    expect(requests.events).toEqual(['start', 'end replied']);
    expect([...signals.events, ...streams.events]).toEqual([]);
  });

  it.each(EVENTS)('reach a subscriber of %s alone', async (event) => {
    const { client } = await start();
    const channel = channelOf('request')[event];
    const seen = deferred<string | undefined>();
    const subscriber = (context: unknown) => seen.resolve((context as MessageTracing).route);
    channel.subscribe(subscriber);
    onTestFinished(() => channel.unsubscribe(subscriber));
    client.send('fail later');
    expect(await seen.promise).toBe('fail later');
  });
});

describe('the events of a signal', () => {
  it.each([
    ['note', ['start', 'end handled'], undefined],
    ['note later', ['start', 'end', 'asyncStart handled', 'asyncEnd handled'], undefined],
    ['refuse', ['start', 'end', 'error refused', 'asyncStart refused', 'asyncEnd refused'], 'NOT_NOW'],
    ['fail', ['start', 'error failed', 'end failed'], undefined],
    ['nobody', ['start', 'end refused'], 'NOT_FOUND'],
  ])('have its outcome: %s', async (name, expected, code) => {
    const { client } = await start();
    const { events, over } = record('signal');
    client.signal(name, 'x');
    expect((await over.take()).code).toBe(code);
    expect(events).toEqual(expected);
  });

  it('end when the connection is lost, or the server shuts down', async () => {
    const { app, client, gateway } = await start({ shutdownTimeout: 0 });
    const { over } = record('signal');
    client.signal('hang', 'x');
    await gateway.started.take();
    client.socket.terminate();
    expect((await over.take()).outcome).toBe('connection-lost');
    const other = await app.connect();
    other.signal('hang', 'x');
    await gateway.started.take();
    await gateway.server.shutdown();
    expect((await over.take()).outcome).toBe('shutdown');
  });
});

describe('the events of a stream', () => {
  async function startStreaming(options?: WebwireModuleOptions) {
    const all = await start(options);
    await all.client.ask('wwr:extensions', '{"extensions":["stream","cancel"]}');
    return all;
  }

  it.each([
    ['two', 'replied', undefined],
    ['broken', 'refused', 'NOT_NOW'],
  ])('have its outcome when it ends: %s', async (name, outcome, code) => {
    const { client } = await startStreaming();
    const { events, over } = record('stream');
    const requests = record('request');
    client.send(name);
    expect(await over.take()).toMatchObject({ outcome, code, gateway: 'Gateway', handler: name, route: name });
    const failed = code === undefined ? [] : ['error refused'];
    expect(events).toEqual(['start', 'end', ...failed, `asyncStart ${outcome}`, `asyncEnd ${outcome}`]);
    expect(requests.events).toEqual([]);
  });

  it('report the refusal of a client that has not asked for streams', async () => {
    const { client } = await start();
    const { events, over } = record('stream');
    client.send('two');
    expect(await over.take()).toMatchObject({ outcome: 'refused', code: 'EXTENSION_REQUIRED' });
    expect(events).toEqual(['start', 'error refused', 'end refused']);
  });

  it('end when the client gives it up', async () => {
    const { client } = await startStreaming();
    const { over } = record('stream');
    const id = client.send('endless');
    client.signal(`wwr:cancel:${Buffer.from(id).toString('hex')}`);
    expect((await over.take()).outcome).toBe('canceled');
  });

  it('end when the connection is lost', async () => {
    const { client } = await startStreaming();
    const { contexts, over } = record('stream');
    client.send('endless');
    await client.ask('direct');
    expect(contexts).toHaveLength(1);
    client.socket.terminate();
    expect((await over.take()).outcome).toBe('connection-lost');
  });

  it.each([0, 30_000])('end when the server shuts down within %i ms', async (shutdownTimeout) => {
    const { client, gateway } = await startStreaming({ shutdownTimeout });
    const { over } = record('stream');
    client.send(shutdownTimeout === 0 ? 'endless' : 'seen stream');
    await client.ask('direct');
    const shutdown = gateway.server.shutdown();
    expect((await over.take()).outcome).toBe('shutdown');
    await shutdown;
  });
});

describe('what a subscriber binds to a channel', () => {
  it('is seen in the guard, the interceptor and the handler of a request', async () => {
    const { client, gateway } = await start();
    bind('request');
    expect(await client.ask('seen')).toBe('utf8 request seen request seen');
    expect(gateway.seeing.seen).toEqual({ guard: 'request seen', interceptor: 'request seen' });
  });

  it('is seen in the generator of a stream, also when the client leaves it', async () => {
    const { client, gateway } = await start();
    await client.ask('wwr:extensions', '{"extensions":["stream","cancel"]}');
    bind('stream');
    const id = client.send('seen stream');
    const hex = Buffer.from(id).toString('hex');
    for (let item = 0; item < 2; item++) expect(show(await client.next())).toContain('utf8 stream seen stream');
    client.signal(`wwr:cancel:${hex}`);
    expect(await gateway.stopped.promise).toBe('stream seen stream');
    expect(gateway.seeing.seen).toEqual({ guard: 'stream seen stream', interceptor: 'stream seen stream' });
  });

  it('is seen in the Observable of a stream, also when the client leaves it', async () => {
    const { client, gateway } = await start();
    await client.ask('wwr:extensions', '{"extensions":["stream","cancel"]}');
    bind('stream');
    const id = client.send('observed');
    expect(show(await client.next())).toContain('utf8 stream observed');
    client.signal(`wwr:cancel:${Buffer.from(id).toString('hex')}`);
    expect(await gateway.stopped.promise).toBe('stream observed');
  });

  it('is not seen in a message that waited for the end of the handler', async () => {
    const { client, gateway } = await start({ concurrencyLimit: 1 });
    bind('request');
    client.send('hang');
    await gateway.started.take();
    client.signal('note', 'x');
    await nextTurn();
    gateway.work.resolve();
    expect(await gateway.started.take()).toBe('note: undefined');
  });
});

describe('a subscriber that fails', () => {
  /** Collects uncaught exceptions, in place of the listeners of the test runner. */
  function uncaught(): Queue<unknown> {
    const errors = new Queue<unknown>();
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const listener = (error: unknown) => errors.push(error);
    process.on('uncaughtException', listener);
    onTestFinished(() => {
      process.removeListener('uncaughtException', listener);
      for (const other of others) process.on('uncaughtException', other);
    });
    return errors;
  }

  it.each(EVENTS)('does not change what happens to the message, nor other subscribers: %s', async (event) => {
    const errors = uncaught();
    const { client } = await start();
    const channel = channelOf('request')[event];
    const subscriber = () => {
      throw new Error(`the subscriber of ${event} broke`);
    };
    channel.subscribe(subscriber);
    onTestFinished(() => channel.unsubscribe(subscriber));
    const { events, over } = record('request');
    expect(await client.ask('refuse later')).toBe('error NOT_NOW: try later');
    expect((await over.take()).outcome).toBe('refused');
    expect(events).toEqual(['start', 'end', 'error refused', 'asyncStart refused', 'asyncEnd refused']);
    expect(await errors.take()).toMatchObject({ message: `the subscriber of ${event} broke` });
  });

  it.each<[string, (call: () => void) => void]>([
    [
      'throws',
      () => {
        throw new Error('the wrapper broke');
      },
    ],
    [
      'throws after the call',
      (call) => {
        call();
        throw new Error('the wrapper broke');
      },
    ],
    [
      'calls twice',
      (call) => {
        call();
        call();
        throw new Error('the wrapper broke');
      },
    ],
  ])('as its wrapper %s does not change the reply', async (_how, wrapper) => {
    const errors = uncaught();
    const { client, gateway } = await start();
    const { start: channel } = channelOf('request');
    const subscriber = (context: unknown) => (context as MessageTracing).wrapHandler(wrapper);
    channel.subscribe(subscriber);
    onTestFinished(() => channel.unsubscribe(subscriber));
    expect(await client.ask('direct', 'x')).toBe('utf8 x');
    expect(gateway.calls).toBe(1);
    expect(await errors.take()).toMatchObject({ message: 'the wrapper broke' });
  });
});

it('several wrappers run around the handler, and its error passes through them', async () => {
  const { client } = await start();
  const { start: channel } = channelOf('request');
  const steps: string[] = [];
  const wrap = (name: string) => (context: unknown) =>
    (context as MessageTracing).wrapHandler((call) => {
      steps.push(`${name} in`);
      call();
      steps.push(`${name} out`);
    });
  for (const subscriber of [wrap('first'), wrap('second')]) {
    channel.subscribe(subscriber);
    onTestFinished(() => channel.unsubscribe(subscriber));
  }
  expect(await client.ask('refuse')).toBe('error NOT_NOW: try later');
  expect(steps).toEqual(['first in', 'second in', 'second out', 'first out']);
});
