import {
  CallHandler,
  CanActivate,
  ExecutionContext,
  Inject,
  Injectable,
  NestInterceptor,
  Scope,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { ConnectedSocket } from '@nestjs/websockets';
import {
  Payload,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireStream,
  type Message,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { WebwireClient } from 'nestjs-webwire/client';
import { setImmediate as passIo } from 'node:timers/promises';
import { concatMap, fromEvent, map, merge, NEVER, Observable, range, take, takeUntil } from 'rxjs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { deferred } from '../../support/deferred.js';
import { Queue } from '../../support/queue.js';
import { TestApp } from '../../support/test-app.js';
import { describe as show, type WireClient } from '../../support/wire-client.js';

const NOTHING = Payload.binary(new Uint8Array());
/** The server waits so long for generators after the shutdown, in ms. */
const CLOSE_TIMEOUT = 2_000;

let log = new Queue<string>();
let stuck = deferred();

@Injectable()
class LateGuard implements CanActivate {
  async canActivate() {
    log.push('started');
    await stuck.promise;
    return true;
  }
}

@Injectable()
class LateInterceptor implements NestInterceptor {
  async intercept(_context: ExecutionContext, next: CallHandler) {
    log.push('started');
    await stuck.promise;
    return next.handle();
  }
}

@Injectable()
class First implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(take(1));
  }
}

@Injectable()
class Failing implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(
      map((item) => {
        if (item === 'two') throw new Error('FAILED');
        return item as unknown;
      }),
    );
  }
}

@Injectable()
class Holding implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(concatMap(() => NEVER));
  }
}

@Injectable()
class Doubling implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return merge(next.handle(), next.handle());
  }
}

async function* untilStuck(items: string[]) {
  try {
    yield* items;
  } finally {
    log.push('stopping');
    await stuck.promise;
    log.push('stopped');
  }
}

@WebwireGateway()
class Gateway {
  made = 0;

  @WebwireStream('closing generator') closingGenerator(@ConnectedSocket() connection: WebwireConnection) {
    void connection.close();
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: 'x' }),
        return: () => {
          log.push('stopped');
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
  }
  @WebwireStream('closing observable') closingObservable(@ConnectedSocket() connection: WebwireConnection) {
    void connection.close();
    return new Observable(() => () => log.push('stopped'));
  }
  @WebwireStream('closing promise') async closingPromise(@ConnectedSocket() connection: WebwireConnection) {
    void connection.close();
    await Promise.resolve();
    return new Observable(() => () => log.push('stopped'));
  }
  @WebwireStream('promise') async promise() {
    log.push('started');
    await stuck.promise;
    log.push('stopped');
    return untilStuck(['one']);
  }
  @UseGuards(LateGuard) @WebwireStream('guard') async *guarded() {
    yield 'one';
  }
  @UseInterceptors(LateInterceptor) @WebwireStream('interceptor') async *intercepted() {
    yield 'one';
  }
  @UseInterceptors(First) @WebwireStream('first') first() {
    return untilStuck(['one', 'two']);
  }
  @UseInterceptors(Failing) @WebwireStream('failing') failing() {
    return untilStuck(['one', 'two', 'three']);
  }
  @UseInterceptors(Doubling) @WebwireStream('doubled') async *doubled() {
    for (let n = 0; n < 300; n++) yield String(n);
  }
  @UseInterceptors(Holding) @WebwireStream('held back') async *heldBack() {
    for (this.made = 0; this.made < 200_000; this.made++) yield 'x';
  }
  @WebwireStream('short') async *short() {
    yield 'one';
  }
  @WebwireStream('deaf') async *deaf() {
    try {
      for (;;) yield 'x';
    } finally {
      log.push('stopping');
      await stuck.promise;
      log.push('stopped');
    }
  }
  @WebwireStream('hanging') async *hanging() {
    yield 'x';
    await stuck.promise;
  }
  @WebwireStream('range') range() {
    return range(0, 100).pipe(map(String));
  }
  @WebwireStream('finite') finite(@WebwireMessage() { abortSignal }: Message) {
    return range(0, 65).pipe(takeUntil(fromEvent(abortSignal, 'abort')), map(String));
  }
  @WebwireStream('polite') async *polite(@WebwireMessage() { abortSignal }: Message) {
    while (!abortSignal.aborted) yield 'x';
  }
  @WebwireRequest('echo') echo() {
    return 'x';
  }
  onModuleDestroy() {
    log.push('destroyed');
  }
}

@WebwireGateway()
@Injectable({ scope: Scope.REQUEST })
class ScopedGateway {
  constructor(@Inject(REQUEST) readonly connection: WebwireConnection) {}

  @UseGuards(LateGuard) @WebwireStream('scoped guard') async *guarded() {
    yield 'one';
  }
  @UseInterceptors(First) @WebwireStream('scoped promise') async promise() {
    log.push('started');
    await stuck.promise;
    return untilStuck(['one']);
  }
}

async function start(options: WebwireModuleOptions = {}) {
  log = new Queue();
  stuck = deferred();
  const app = await TestApp.start(
    { providers: [Gateway, ScopedGateway, LateGuard, LateInterceptor, First, Failing, Holding, Doubling] },
    { sessions: false, shutdownTimeout: 5_000, ...options },
  );
  onTestFinished(async () => {
    stuck.resolve();
    await app.close();
  });
  const client = await app.connect();
  expect(await client.ask('wwr:extensions', '{"extensions":["stream","cancel","ping"]}')).toMatch(/^utf8 {"ext/);
  return { app, client };
}

/** Gives up the stream that was opened first, as the request with the identifier 2. */
async function cancel(client: WireClient) {
  client.signal('wwr:cancel:0200000000000000', NOTHING);
  expect(show(await client.next())).toMatch(/^error CANCELED/);
}

describe('a source whose handler ends its own connection', () => {
  it.each(['closing generator', 'closing observable', 'closing promise'])('is stopped: %s', async (name) => {
    const { client } = await start();
    client.send(name);
    await log.take((line) => line === 'stopped');
  });
});

describe('what still runs of a stream', () => {
  it.each(['promise', 'guard', 'interceptor', 'scoped guard', 'scoped promise'])(
    'counts for maxStreams after the stream was given up: %s',
    async (name) => {
      const { client } = await start({ maxStreams: 1 });
      client.send(name);
      await log.take((line) => line === 'started');
      await cancel(client);
      expect(await client.ask('short')).toMatch(/^error TOO_MANY_STREAMS/);
      stuck.resolve();
      await expect.poll(() => client.ask('short')).toMatch(/one$/);
      expect(show(await client.next())).toBe('binary');
    },
  );

  it('counts for maxStreams after an interceptor has completed', async () => {
    const { client } = await start({ maxStreams: 1 });
    expect(await client.ask('first')).toMatch(/one$/);
    expect(show(await client.next())).toBe('binary');
    expect(await client.ask('short')).toMatch(/^error TOO_MANY_STREAMS/);
  });

  it('does not delay the error of an interceptor', async () => {
    const { client } = await start();
    expect(await client.ask('failing')).toMatch(/one$/);
    expect(show(await client.next())).toBe('internal error');
    await log.take((line) => line === 'stopping');
    expect(log.rest).toEqual([]);
  });

  it.each([
    ['first', [/one$/, /^binary$/]],
    ['failing', [/one$/, /^internal error$/]],
    ['promise', [/^error CANCELED/]],
  ])('is waited for by a shutdown: %s', async (name, replies) => {
    const { app, client } = await start();
    client.send(name);
    await log.take();
    if (name === 'promise') client.signal('wwr:cancel:0200000000000000', NOTHING);
    for (const reply of replies) expect(show(await client.next())).toMatch(reply);
    const closed = app.app.close();
    // The connection stays open as long as something runs.
    for (let n = 0; n < 20; n++) expect(await client.ask('echo')).toBe('shutdown');
    expect(log.rest).toEqual([]);
    stuck.resolve();
    await closed;
    expect(log.rest).toEqual(['stopped', 'destroyed']);
  });
});

it('an interceptor may call a handler twice at once', async () => {
  const { app } = await start();
  const client = new WebwireClient(app.url(), { webSocket: WebSocket });
  onTestFinished(() => client.close());
  const items: string[] = [];
  for await (const item of client.stream('doubled', undefined, { idleTimeout: 2_000 })) items.push(item.text());
  expect(items).toHaveLength(600);
});

it('operators that hold items back do not let a generator block the server', async () => {
  const { app, client } = await start();
  client.send('held back');
  expect(await client.ask('echo')).toBe('utf8 x');
  expect(app.get(Gateway).made).toBeGreaterThan(0);
  expect(app.get(Gateway).made).toBeLessThan(100_000);
});

it('a shutdown lets a generator end by itself although its client takes no items', async () => {
  const { app, client } = await start({ shutdownTimeout: 2_000 });
  client.send('polite');
  for (let n = 0; n < 64; n++) expect(show(await client.next())).toMatch(/x$/);
  expect(await client.ask('echo')).toBe('utf8 x');
  const closed = app.app.close();
  expect(show(await client.next())).toBe('shutdown');
  await closed;
});

describe('a shutdown whose time is over', () => {
  it('waits until generators have stopped', async () => {
    const { app, client } = await start({ shutdownTimeout: 100 });
    client.send('deaf');
    for (let n = 0; n < 64; n++) expect(show(await client.next())).toMatch(/x$/);
    const closed = app.app.close();
    expect(show(await client.next())).toBe('shutdown');
    expect(await log.take()).toBe('stopping');
    await client.closed;
    expect(log.rest).toEqual([]);
    stuck.resolve();
    await closed;
    expect(log.rest).toEqual(['stopped', 'destroyed']);
  });

  it('does not wait for ever for a generator that does not stop', async () => {
    const { app, client } = await start({ shutdownTimeout: 100 });
    client.send('hanging');
    expect(show(await client.next())).toMatch(/x$/);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const closed = app.app.close();
    while (log.rest.length === 0) {
      vi.advanceTimersByTime(CLOSE_TIMEOUT);
      await passIo();
    }
    await closed;
    expect(log.rest).toEqual(['destroyed']);
  });
});

describe('a stream whose source has ended, while its client takes nothing', () => {
  async function open(options: WebwireModuleOptions = {}) {
    const { app, client } = await start(options);
    client.send('range');
    for (let n = 0; n < 64; n++) expect(show(await client.next())).toMatch(new RegExp(` ${n}$`));
    expect(await client.ask('echo')).toBe('utf8 x');
    return { app, client };
  }

  it('keeps its items during a shutdown', async () => {
    const { app, client } = await open();
    const closed = app.app.close();
    client.signal('wwr:more:0200000000000000', '64');
    for (let n = 64; n < 100; n++) expect(show(await client.next())).toMatch(new RegExp(` ${n}$`));
    expect(show(await client.next())).toBe('binary');
    await closed;
  });

  it('stays complete during a shutdown although it has read its signal', async () => {
    const { app, client } = await start();
    client.send('finite');
    for (let n = 0; n < 64; n++) expect(show(await client.next())).toMatch(new RegExp(` ${n}$`));
    expect(await client.ask('echo')).toBe('utf8 x');
    const closed = app.app.close();
    client.signal('wwr:more:0200000000000000', '64');
    expect(show(await client.next())).toMatch(/ 64$/);
    expect(show(await client.next())).toBe('binary');
    await closed;
  });

  it('ends with ReplyShutdown when the time for the shutdown is over', async () => {
    const { app, client } = await open({ shutdownTimeout: 100 });
    const closed = app.app.close();
    expect(show(await client.next())).toBe('shutdown');
    await closed;
  });
});
