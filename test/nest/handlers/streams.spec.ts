import {
  CallHandler,
  CanActivate,
  Catch,
  ExceptionFilter,
  ExecutionContext,
  ForbiddenException,
  Inject,
  Injectable,
  NestInterceptor,
  ParseIntPipe,
  PipeTransform,
  Scope,
  UseFilters,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import { ConnectedSocket, MessageBody } from '@nestjs/websockets';
import {
  jsonCodec,
  Payload,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireStream,
  type Message,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { Readable } from 'node:stream';
import { concat, from, fromEvent, map, NEVER, Observable, of, range, takeUntil, throwError } from 'rxjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { deferred } from '../../support/deferred.js';
import { Queue } from '../../support/queue.js';
import { TestApp } from '../../support/test-app.js';
import type { WireClient } from '../../support/wire-client.js';
import { describe as show } from '../../support/wire-client.js';

let log = new Queue<string>();

@Injectable()
class Guard implements CanActivate {
  canActivate(context: ExecutionContext) {
    return context.switchToWs().getData<string>() !== 'closed';
  }
}

@Injectable()
class Twice implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((item: string) => `${item}${item}`));
  }
}

@Injectable()
class Upper implements PipeTransform {
  transform(value: string) {
    return value.toUpperCase();
  }
}

@Catch(RangeError)
class Filter implements ExceptionFilter {
  catch(error: RangeError) {
    return `caught ${error.message}`;
  }
}

async function* letters(text: string) {
  try {
    for (const letter of text) yield letter;
  } finally {
    log.push('stopped');
  }
}

@WebwireGateway()
class Gateway {
  made = 0;
  readonly awaited = deferred();

  @WebwireStream('letters') letters(@MessageBody() body: string) {
    return letters(body);
  }
  @WebwireStream('promise') async promise(@MessageBody() body: string) {
    return letters(body);
  }
  @WebwireStream('observable') observable(@MessageBody() body: string) {
    return from(body);
  }
  @WebwireStream('late observable') async lateObservable(@MessageBody() body: string) {
    return from(body);
  }
  @WebwireStream('readable') readable(@MessageBody() body: string) {
    return Readable.from(body);
  }
  @WebwireStream('values') async *values() {
    yield 'text';
    yield Uint8Array.of(1, 2);
    yield { a: 1 };
    yield null;
    yield undefined;
    yield Payload.utf16('ї');
  }
  @WebwireStream('json', { codec: jsonCodec }) async *json(@MessageBody() body: { count: number }) {
    for (let n = 0; n < body.count; n++) yield String(n);
  }
  @WebwireStream({ name: 'named' }) async *named() {
    yield 'named';
  }
  @WebwireStream() async *nameless(@ConnectedSocket() connection: WebwireConnection, @MessageBody() body: string) {
    yield `${connection.isActive} ${body}`;
  }
  @UseGuards(Guard) @WebwireStream('guarded') guarded(@MessageBody() body: string) {
    return letters(body);
  }
  @WebwireStream('piped') piped(@MessageBody(Upper) body: string) {
    return letters(body);
  }
  @WebwireStream('checked') checked(@MessageBody(ParseIntPipe) body: number) {
    return range(0, body).pipe(map(String));
  }
  @UseInterceptors(Twice) @WebwireStream('intercepted') intercepted(@MessageBody() body: string) {
    return letters(body);
  }
  @UseInterceptors(Twice) @WebwireStream('intercepted observable') interceptedObservable(@MessageBody() body: string) {
    return from(body);
  }
  @UseFilters(Filter) @WebwireStream('filtered') async *filtered(@MessageBody() body: string) {
    yield 'one';
    if (body === 'range') throw new RangeError('it');
    throw new ForbiddenException('no');
  }
  @UseFilters(Filter) @WebwireStream('filtered at once') filteredAtOnce(): AsyncIterable<string> {
    throw new RangeError('it');
  }
  @WebwireStream('throws') throws(): AsyncIterable<string> {
    throw new ForbiddenException('no');
  }
  @WebwireStream('observable fails') observableFails() {
    return concat(
      of('one'),
      throwError(() => new ForbiddenException('no')),
    );
  }
  @WebwireStream('sync iterator') syncIterator() {
    return ['a'].values();
  }
  @WebwireStream('array') array() {
    return ['a'];
  }
  @WebwireStream('text') text() {
    return 'text';
  }
  @WebwireStream('unsendable') async *unsendable() {
    try {
      yield 1n;
    } finally {
      log.push('unsendable stopped');
    }
  }
  @WebwireStream('large') async *large() {
    try {
      yield 'x'.repeat(9_000);
    } finally {
      log.push('large stopped');
    }
  }
  @WebwireStream('endless') async *endless() {
    try {
      for (;;) yield String(this.made++);
    } finally {
      log.push('endless stopped');
    }
  }
  @UseInterceptors(Twice) @WebwireStream('endless, intercepted') endlessIntercepted() {
    return this.endless();
  }
  @WebwireStream('flood') flood() {
    return new Observable<string>((subscriber) => {
      while (!subscriber.closed) subscriber.next(String(this.made++));
      log.push('flood stopped');
    });
  }
  @WebwireStream('never') never() {
    return new Observable((subscriber) => {
      const subscription = NEVER.subscribe(subscriber);
      return () => {
        log.push('never stopped');
        subscription.unsubscribe();
      };
    });
  }
  @WebwireStream('watching') async *watching(@WebwireMessage() { abortSignal }: Message) {
    yield 'one';
    await new Promise<void>((resolve) => abortSignal.addEventListener('abort', () => resolve()));
    log.push('watching aborted');
    yield 'last';
  }
  @WebwireStream('watching observable') watchingObservable(@WebwireMessage() { abortSignal }: Message) {
    return concat(of('one'), NEVER).pipe(takeUntil(fromEvent(abortSignal, 'abort')));
  }
  @WebwireStream('unaware') async *unaware() {
    yield 'one';
    await this.awaited.promise;
    yield 'last';
  }
  @WebwireStream('aborting') async *aborting(@WebwireMessage() { abortSignal }: Message) {
    yield 'one';
    await new Promise((_resolve, reject) => {
      abortSignal.addEventListener('abort', () => reject(abortSignal.reason as Error));
    });
  }
  @WebwireStream('bad teardown') badTeardown() {
    return new Observable<string>((subscriber) => {
      subscriber.next('one');
      return () => {
        throw new Error('TEARDOWN');
      };
    });
  }
  @WebwireRequest('made') countMade() {
    return String(this.made);
  }
}

@WebwireGateway()
@Injectable({ scope: Scope.REQUEST })
class ScopedGateway {
  constructor(@Inject(REQUEST) private readonly connection: WebwireConnection) {}

  @UseInterceptors(Twice)
  @WebwireStream('scoped')
  async *scoped(@MessageBody() body: string) {
    try {
      for (const letter of body) yield `${letter}${this.connection.isActive ? '!' : '?'}`;
    } finally {
      log.push('scoped stopped');
    }
  }
  @UseFilters(Filter) @WebwireStream('scoped failure') async *failure() {
    yield 'one';
    throw new RangeError('it');
  }
}

async function start(options: WebwireModuleOptions = {}): Promise<{ app: TestApp; client: WireClient }> {
  log = new Queue();
  const app = await TestApp.start(
    { providers: [Gateway, ScopedGateway, Guard, Twice, Filter] },
    { sessions: false, shutdownTimeout: 200, ...options },
  );
  onTestFinished(() => app.close());
  const client = await app.connect();
  return { app, client };
}

/** A client with extensions. Its request for them has the identifier 1. */
async function startExtended(options: WebwireModuleOptions = {}) {
  const { app, client } = await start(options);
  expect(await client.ask('wwr:extensions', '{"extensions":["stream","cancel","ping"]}')).toMatch(/^utf8 {"ext/);
  return { app, client };
}

/** Opens a stream, and collects its items and its reply. */
async function open(client: WireClient, name: string, body: Payload | string = ''): Promise<string[]> {
  client.send(name, body);
  const messages: string[] = [];
  for (;;) {
    const message = show(await client.next());
    messages.push(message.replace(/^signal wwr:item:[\da-f]{16} /, ''));
    if (!message.startsWith('signal')) return messages;
  }
}

describe('a stream', () => {
  it.each(['letters', 'promise', 'observable', 'late observable', 'readable', 'guarded'])(
    'has the items of its handler: %s',
    async (name) => {
      const { client } = await startExtended();
      const items = name === 'readable' ? ['utf8 ab'] : ['utf8 a', 'utf8 b'];
      expect(await open(client, name, 'ab')).toEqual([...items, 'binary']);
    },
  );

  it('may have no items', async () => {
    const { client } = await startExtended();
    expect(await open(client, 'letters', Payload.utf8(''))).toEqual(['binary']);
  });

  it('encodes each item as a reply', async () => {
    const { client } = await startExtended();
    expect(await open(client, 'values')).toEqual([
      'utf8 text',
      'binary 0102',
      'utf8 {"a":1}',
      'binary ',
      'binary ',
      'utf16 ї',
      'binary',
    ]);
  });

  it('has the codec of its handler', async () => {
    const { client } = await startExtended();
    expect(await open(client, 'json', '{"count":2}')).toEqual(['utf8 "0"', 'utf8 "1"', 'binary']);
    expect(await open(client, 'json', '{')).toEqual(['error BAD_REQUEST: the body could not be decoded']);
  });

  it('is found by its name', async () => {
    const { client } = await startExtended();
    expect(await open(client, 'named')).toEqual(['utf8 named', 'binary']);
    expect(await open(client, '', 'x')).toEqual(['utf8 true x', 'binary']);
  });

  it('passes guards', async () => {
    const { client } = await startExtended();
    expect(await open(client, 'guarded', 'closed')).toEqual([expect.stringContaining('error FORBIDDEN')]);
  });

  it('passes pipes', async () => {
    const { client } = await startExtended();
    expect(await open(client, 'piped', 'ab')).toEqual(['utf8 A', 'utf8 B', 'binary']);
    expect(await open(client, 'checked', '2')).toEqual(['utf8 0', 'utf8 1', 'binary']);
    expect(await open(client, 'checked', 'x')).toEqual([expect.stringContaining('error BAD_REQUEST')]);
  });

  it('is seen item by item by interceptors', async () => {
    const { client } = await startExtended();
    expect(await open(client, 'intercepted', 'ab')).toEqual(['utf8 aa', 'utf8 bb', 'binary']);
    expect(await open(client, 'intercepted observable', 'ab')).toEqual(['utf8 aa', 'utf8 bb', 'binary']);
  });

  it('has request-scoped gateways', async () => {
    const { client } = await startExtended();
    expect(await open(client, 'scoped', 'ab')).toEqual(['utf8 a!a!', 'utf8 b!b!', 'binary']);
    await log.take((line) => line === 'scoped stopped');
    expect(await open(client, 'scoped failure')).toEqual(['utf8 one', 'utf8 caught it', 'binary']);
  });

  it('has exception filters, whose answer is the last item', async () => {
    const { client } = await startExtended();
    expect(await open(client, 'filtered', 'range')).toEqual(['utf8 one', 'utf8 caught it', 'binary']);
    expect(await open(client, 'filtered', 'x')).toEqual(['utf8 one', 'error FORBIDDEN: no']);
    expect(await open(client, 'filtered at once')).toEqual(['utf8 caught it', 'binary']);
  });

  it('fails with its handler', async () => {
    const { client } = await startExtended();
    expect(await open(client, 'throws')).toEqual(['error FORBIDDEN: no']);
    expect(await open(client, 'observable fails')).toEqual(['utf8 one', 'error FORBIDDEN: no']);
  });

  it.each([
    ['array', 'Gateway.array returned a value of type Array'],
    ['text', 'Gateway.text returned a value of type string'],
    ['sync iterator', 'Gateway.syncIterator returned a value of type'],
  ])('cannot be anything else: %s', async (name, problem) => {
    const { app, client } = await startExtended();
    expect(await open(client, name)).toEqual(['internal error']);
    expect(await app.logger.logged('error', problem)).toContain(
      'make it an async generator ("async *"), or use @WebwireRequest() for a single reply',
    );
  });

  it('fails with an item that cannot be sent, and stops its source', async () => {
    const { app, client } = await startExtended();
    expect(await open(client, 'unsendable')).toEqual(['internal error']);
    await log.take((line) => line === 'unsendable stopped');
    await app.logger.logged('error', 'Gateway.unsendable returned a value that cannot be sent');
    expect(await open(client, 'large')).toEqual([expect.stringContaining('error REPLY_TOO_LARGE')]);
    await log.take((line) => line === 'large stopped');
  });

  it('needs the extension', async () => {
    const { client } = await start();
    expect(await open(client, 'letters', 'ab')).toEqual([expect.stringContaining('error EXTENSION_REQUIRED')]);
  });

  it('needs the extension also where the server has none', async () => {
    const { client } = await start({ extensions: false });
    expect(await client.ask('wwr:extensions', '{"extensions":["stream"]}')).toMatch(/^error NOT_FOUND/);
    expect(await open(client, 'letters', 'ab')).toEqual([expect.stringContaining('error EXTENSION_REQUIRED')]);
  });
});

describe('the source of a stream', () => {
  it.each(['endless', 'endless, intercepted'])('makes no item that the client does not take: %s', async (name) => {
    const { app, client } = await startExtended();
    client.send(name);
    for (let n = 0; n < 64; n++) await client.next();
    expect(await client.ask('made')).toMatch(/^utf8 6[45]$/);
    client.signal('wwr:more:0200000000000000', '10');
    for (let n = 0; n < 10; n++) await client.next();
    expect(await client.ask('made')).toMatch(/^utf8 7[45]$/);
    expect(app.get(Gateway).made).toBeLessThanOrEqual(75);
  });

  it.each(['endless', 'endless, intercepted', 'never'])('stops when the client gives it up: %s', async (name) => {
    const { client } = await startExtended();
    client.send(name);
    if (name !== 'never') await client.next();
    client.signal('wwr:cancel:0200000000000000', Payload.binary(new Uint8Array()));
    await log.take((line) => line.endsWith('stopped'));
  });

  it.each(['endless', 'endless, intercepted', 'never'])('stops when the connection is lost: %s', async (name) => {
    const { client } = await startExtended();
    client.send(name);
    expect(await open(client, 'letters', 'a')).toContain('utf8 a');
    client.socket.terminate();
    await log.take((line) => line.endsWith('stopped') && line !== 'stopped');
  });

  it.each(['endless', 'endless, intercepted', 'never'])('stops at the end of a shutdown: %s', async (name) => {
    const { app, client } = await startExtended();
    client.send(name);
    expect(await open(client, 'letters', 'a')).toContain('utf8 a');
    const closed = app.app.close();
    await log.take((line) => line.endsWith('stopped') && line !== 'stopped');
    await closed;
  });

  it('gets a bound if it cannot be held up', async () => {
    const { client } = await startExtended({ maxBufferedAmount: 10_000 });
    const messages = await open(client, 'flood');
    expect(messages.at(-1)).toMatch(/^error STREAM_OVERFLOW/);
    await log.take((line) => line === 'flood stopped');
  });

  it('may fail to stop', async () => {
    const { client } = await startExtended();
    client.send('bad teardown');
    await client.next();
    client.signal('wwr:cancel:0200000000000000', Payload.binary(new Uint8Array()));
    expect(show(await client.next())).toMatch(/^error CANCELED/);
    expect(await client.ask('made')).toBe('utf8 0');
  });
});

describe('a shutdown', () => {
  it('aborts the signals of streams: their clients do not take what ends then for complete', async () => {
    const { app, client } = await startExtended({ shutdownTimeout: 20_000 });
    client.send('watching');
    expect(show(await client.next())).toMatch(/one$/);
    const closed = app.app.close();
    expect(show(await client.next())).toMatch(/last$/);
    expect(show(await client.next())).toBe('shutdown');
    await closed;
    expect(app.logger.at('error')).toEqual([]);
  });

  it('ends an Observable that the signal ends', async () => {
    const { app, client } = await startExtended({ shutdownTimeout: 20_000 });
    client.send('watching observable');
    expect(show(await client.next())).toMatch(/one$/);
    const closed = app.app.close();
    expect(show(await client.next())).toBe('shutdown');
    await closed;
  });

  it('leaves a stream complete that has not read its signal', async () => {
    const { app, client } = await startExtended({ shutdownTimeout: 20_000 });
    client.send('unaware');
    expect(show(await client.next())).toMatch(/one$/);
    const closed = app.app.close();
    app.get(Gateway).awaited.resolve();
    expect(show(await client.next())).toMatch(/last$/);
    expect(show(await client.next())).toBe('binary');
    await closed;
  });

  it('is the reason of a stream that fails because its signal has aborted', async () => {
    const { app, client } = await startExtended({ shutdownTimeout: 20_000 });
    client.send('aborting');
    expect(show(await client.next())).toMatch(/one$/);
    const closed = app.app.close();
    expect(show(await client.next())).toBe('shutdown');
    await closed;
    expect(app.logger.at('error')).toEqual([]);
  });

  it('ends streams with ReplyShutdown when its time is over', async () => {
    const { app, client } = await startExtended();
    client.send('never');
    expect(await client.ask('made')).toBe('utf8 0');
    const closed = app.app.close();
    expect(show(await client.next())).toBe('shutdown');
    await closed;
  });
});

/** The metadata of its methods is that which TypeScript writes for decorated ones. */
class Single {
  @Reflect.metadata('design:returntype', Array) list() {
    return [1];
  }
  @Reflect.metadata('design:returntype', Number) count() {
    return 1;
  }
  @Reflect.metadata('design:returntype', Promise) async later() {
    return Promise.resolve(NEVER);
  }
  @Reflect.metadata('design:returntype', Object) any(): unknown {
    return NEVER;
  }
}

function descriptorOf(name: keyof Single): PropertyDescriptor {
  return Object.getOwnPropertyDescriptor(Single.prototype, name)!;
}

describe('a handler of streams', () => {
  it('cannot be a fallback', () => {
    expect(() => WebwireStream({ fallback: true } as object)).toThrow(/no fallback/);
  });

  it('cannot have a reserved name', () => {
    const declare = () => {
      class Reserved {
        @WebwireStream('wwr:mine') handle() {}
      }
      return Reserved;
    };
    expect(declare).toThrow(/"wwr:mine" cannot be the name of a WebWire stream.*reserved/);
  });

  it('cannot be a generator that is not asynchronous', () => {
    const declare = () => {
      class Rows {
        @WebwireStream('rows') *read() {
          yield 1;
        }
      }
      return Rows;
    };
    expect(declare).toThrow('Rows.read is a generator that is not asynchronous');
    expect(declare).toThrow('write "async *" before its name');
  });

  it.each([
    ['Array', () => WebwireStream('x')(Single.prototype, 'list', descriptorOf('list'))],
    ['Number', () => WebwireStream('x')(Single.prototype, 'count', descriptorOf('count'))],
  ])('cannot have a return type with a single value: %s', (type, declare) => {
    expect(declare).toThrow(`returns a value of type ${type}, but the handler of a stream returns an AsyncIterable`);
  });

  it('may have a return type that does not say what it returns', () => {
    expect(() => WebwireStream('x')(Single.prototype, 'later', descriptorOf('later'))).not.toThrow();
    expect(() => WebwireStream('x')(Single.prototype, 'any', descriptorOf('any'))).not.toThrow();
  });

  it('cannot have the name of a request handler', async () => {
    @WebwireGateway()
    class Both {
      @WebwireStream('x') stream() {
        return NEVER;
      }
      @WebwireRequest('x') request() {}
    }
    await expect(TestApp.start({ providers: [Both] })).rejects.toThrow(/both handle request "x"/);
  });
});
