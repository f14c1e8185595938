import { Injectable, UseGuards, UseInterceptors, type CallHandler, type ExecutionContext } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import {
  jsonCodec,
  WebwireConnection,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireService,
  WebwireSignal,
  WebwireStream,
  type Message,
} from 'nestjs-webwire';
import { MessageType, Payload, type EncodableMessage } from 'nestjs-webwire/protocol';
import { createHook, executionAsyncId } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { map } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Queue } from '../support/queue.js';
import { ServerSocket } from '../support/server-socket.js';
import { TestApp } from '../support/test-app.js';
import { describe as show } from '../support/wire-client.js';

// Counts writes, copies and asynchronous resources per message, which are the same on every machine. `npm run bench` measures
// times.

const LARGE = 20_000;

@Injectable()
class Guard {
  canActivate(_context: ExecutionContext) {
    return true;
  }
}
@Injectable()
class Pipe {
  transform(value: unknown) {
    return value;
  }
}
@Injectable()
class Interceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((value: unknown) => value));
  }
}

@WebwireGateway()
class Gateway {
  readonly connections: WebwireConnection[] = [];
  readonly kept: { body: Uint8Array; message: Message }[] = [];
  readonly signals = new Queue<string>();
  readonly large = Buffer.alloc(LARGE, 7);
  readonly settled = Promise.resolve('settled');
  received = 0;
  items = 0;
  afterTurn = () => 0;

  handleConnection(connection: WebwireConnection) {
    this.connections.push(connection);
  }
  @WebwireRequest('direct') direct(@MessageBody() body: Buffer) {
    return body;
  }
  @WebwireRequest('async') async later(@MessageBody() body: Buffer) {
    return Promise.resolve(body);
  }
  @UseGuards(Guard)
  @WebwireRequest('guarded')
  guarded(@MessageBody(Pipe) body: Buffer) {
    return body;
  }
  @UseGuards(Guard)
  @UseInterceptors(Interceptor)
  @WebwireRequest('intercepted')
  intercepted(@MessageBody(Pipe) body: Buffer) {
    return body;
  }
  @WebwireRequest('aborted') aborted(@WebwireMessage() { abortSignal }: Message) {
    return abortSignal.aborted;
  }
  @WebwireRequest('large') sendLarge() {
    return this.large;
  }
  @WebwireRequest('keep') keep(@MessageBody() body: Buffer, @WebwireMessage() message: Message) {
    this.kept.push({ body, message });
  }
  @WebwireStream('items') async *manyItems() {
    for (;;) {
      this.items++;
      yield 'item';
    }
  }
  @WebwireRequest('json', { codec: jsonCodec }) echoJson(@MessageBody() body: unknown) {
    return body;
  }
  @WebwireRequest('put off') putOff() {
    setImmediate(() => this.afterTurn());
  }
  @WebwireRequest('promised') @WebwireSignal('promised') promised() {
    return this.settled;
  }
  @WebwireSignal('count') count() {
    this.received++;
  }
}

let app: TestApp;
let gateway: Gateway;
let peer: ServerSocket;

beforeEach(async () => {
  app = await TestApp.start({ providers: [Gateway] }, { messageBufferSize: 2 * LARGE });
  gateway = app.get(Gateway);
  peer = await ServerSocket.connect(app);
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await app.close();
});

function request(name: string, payload: Uint8Array = Buffer.alloc(32, 1)): EncodableMessage {
  return { type: MessageType.RequestBinary, id: Buffer.alloc(8, 1), name, payload };
}

function times(count: number, message: EncodableMessage): EncodableMessage[] {
  return Array.from({ length: count }, () => message);
}

/** Counts the asynchronous resources that a function makes, by type. */
function countResources(run: () => void): Record<string, number> {
  const counts: Record<string, number> = {};
  const own = executionAsyncId();
  const hook = createHook({
    init(_id, type, triggerId) {
      if (triggerId >= own) counts[type] = (counts[type] ?? 0) + 1;
    },
  });
  hook.enable();
  try {
    run();
  } finally {
    hook.disable();
  }
  return counts;
}

/** Counts the asynchronous resources that are made until the turn of the event loop has ended, by type. */
async function countResourcesOfTurn(run: () => void): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const hook = createHook({ init: (_id, type) => void counts.set(type, (counts.get(type) ?? 0) + 1) });
  hook.enable();
  run();
  await nextTurn();
  hook.disable();
  return counts;
}

describe('messages that arrive together are answered in one write', () => {
  it.each(['direct', 'guarded', 'intercepted'])('at once: %s handlers', (name) => {
    peer.receive(...times(16, request(name)));
    expect(peer.writes.map((pieces) => pieces.length)).toEqual([1]);
  });

  it('when all replies are ready: asynchronous handlers', async () => {
    peer.receive(...times(16, request('async')));
    await nextTurn();
    expect(peer.writes).toHaveLength(1);
    for (let n = 0; n < 16; n++) expect(show(await peer.client.next())).toBe(`binary ${'01'.repeat(32)}`);
  });

  it('failures included', () => {
    peer.receive(...times(16, request('nobody handles this')));
    expect(peer.writes).toHaveLength(1);
  });
});

it('replies are written before the next connection is read', async () => {
  const other = await ServerSocket.connect(app);
  peer.receive(request('direct'), request('direct'));
  expect([peer, other].map(({ writes }) => writes.length)).toEqual([1, 0]);
  other.receive(request('direct'));
  expect([peer, other].map(({ writes }) => writes.length)).toEqual([1, 1]);
});

it('work that handlers defer to the next turn runs after their answers', async () => {
  let written = 0;
  gateway.afterTurn = () => (written = peer.writes.length);
  peer.receive(request('put off'));
  await nextTurn();
  expect(written).toBe(1);
});

describe('text and JSON', () => {
  const json = Buffer.from('{"id":471,"tags":["a","b"]}');
  const text = (name: string): EncodableMessage => ({
    type: MessageType.RequestUtf8,
    id: Buffer.alloc(8, 1),
    name,
    payload: json,
  });

  it.each(['direct', 'guarded', 'json'])('make nothing more than bytes do: %s handlers', (name) => {
    peer.receive(text(name));
    const parse = vi.spyOn(JSON, 'parse');
    const stringify = vi.spyOn(JSON, 'stringify');
    onTestFinished(() => {
      parse.mockRestore();
      stringify.mockRestore();
    });
    const { TickObject = 0, WRITEWRAP = 0, ...others } = countResources(() => peer.receive(...times(16, text(name))));
    expect(others).toEqual({ WebwireScope: 16 });
    expect(WRITEWRAP).toBeLessThanOrEqual(1);
    expect(TickObject).toBeLessThanOrEqual(2);
    const perMessage = name === 'json' ? 16 : 0;
    expect([parse.mock.calls.length, stringify.mock.calls.length]).toEqual([perMessage, perMessage]);
  });

  it('of many messages share memory, as an array of its own for each takes several times as long', async () => {
    const texts = Array.from({ length: 16 }, (_, n) => `${n}`.padEnd(100, 'é'));
    const memories = new Set(texts.map((each) => Payload.utf8(each).bytes.buffer));
    expect(memories.size).toBeLessThanOrEqual(2);
  });
});

it('a stream sends the items of one grant in one write, with few promises for each, and no timer', async () => {
  const id = Buffer.alloc(8, 2);
  const grant: EncodableMessage = {
    type: MessageType.SignalUtf8,
    name: `wwr:more:${id.toString('hex')}`,
    payload: Buffer.from('32'),
  };
  const question = Buffer.from('{"client":"test","extensions":["stream"]}');
  peer.receive({ type: MessageType.RequestUtf8, id, name: 'wwr:extensions', payload: question });
  await peer.client.next();
  peer.receive({ type: MessageType.RequestBinary, id, name: 'items' });
  await nextTurn();
  peer.receive(grant);
  await nextTurn();
  peer.writes.splice(0);
  const sent = gateway.items;

  const counts = await countResourcesOfTurn(() => peer.receive(grant));

  expect(gateway.items - sent).toBe(32);
  expect(peer.writes).toHaveLength(1);
  expect(counts.get('PROMISE')! / 32).toBeLessThanOrEqual(4.5);
  expect(counts.get('Timeout')).toBeUndefined();
});

describe('signals', () => {
  it('of one tick leave in one write', async () => {
    for (let n = 0; n < 10; n++) gateway.connections[0]!.signal('one', 'of many');
    expect(peer.writes).toEqual([]);
    await nextTurn();
    expect(peer.writes.map((pieces) => pieces.length)).toEqual([1]);
  });

  it('to many are encoded and framed once', async () => {
    const others = [await ServerSocket.connect(app), await ServerSocket.connect(app)];
    const toJSON = vi.fn<() => object>(() => ({ from: 'one' }));
    const service = app.get(WebwireService);
    service.broadcast('news', { toJSON });
    await nextTurn();
    service.join(gateway.connections[0]!, 'group');
    service.join(gateway.connections[1]!, 'group');
    service.signalGroup('group', 'news', { toJSON });
    await nextTurn();
    expect(toJSON).toHaveBeenCalledTimes(2);
    const [[broadcast], [group]] = peer.writes as [[Buffer], [Buffer]];
    expect(others.map(({ writes }) => writes.map(([bytes]) => bytes!.buffer))).toEqual([
      [broadcast.buffer, group.buffer],
      [broadcast.buffer],
    ]);
    expect(others.every(({ writes }) => writes.every((pieces) => pieces.length === 1))).toBe(true);
  });
});

describe('a payload is not copied', () => {
  it('when it arrives', () => {
    const bytes = peer.receive(request('keep'));
    const [{ body, message }] = gateway.kept as [Gateway['kept'][0]];
    expect(body.buffer).toBe(bytes.buffer);
    expect(message.payload.bytes.buffer).toBe(bytes.buffer);
  });

  it('when it is large and leaves, to one or to many', async () => {
    peer.receive(request('large'));
    app.get(WebwireService).broadcast('large', gateway.large);
    gateway.connections[0]!.signal('large', gateway.large);
    await nextTurn();
    const [[, reply], [, broadcast, , signal]] = peer.writes as [Buffer[], Buffer[]];
    expect(reply!.buffer).toBe(gateway.large.buffer);
    expect(signal!.buffer).toBe(gateway.large.buffer);
    expect(broadcast!.length).toBe(1 + 1 + 'large'.length + LARGE);
    for (const start of ['binary 0707', 'signal large binary 0707', 'signal large binary 0707']) {
      expect(show(await peer.client.next()).slice(0, start.length)).toBe(start);
    }
  });
});

describe('a message that is answered at once', () => {
  it.each(['direct', 'guarded'])('makes no promise, timer or callback, only its own scope: %s handlers', (name) => {
    peer.receive(request(name));
    const counts = countResources(() => peer.receive(...times(16, request(name))));
    const { TickObject = 0, WRITEWRAP = 0, ...others } = counts;
    expect(others).toEqual({ WebwireScope: 16 });
    // Node.js makes both for the one write.
    expect(WRITEWRAP).toBeLessThanOrEqual(1);
    expect(TickObject).toBeLessThanOrEqual(2);
  });

  it.each(['direct', 'guarded'])(
    'makes nothing more for rateLimit, and reads the clock once: %s handlers',
    async (name) => {
      const limited = await TestApp.start({ providers: [Gateway] }, { rateLimit: { limit: 1_000, window: 1_000 } });
      onTestFinished(() => limited.close());
      const limitedPeer = await ServerSocket.connect(limited);
      const now = vi.spyOn(performance, 'now');
      onTestFinished(() => now.mockRestore());
      const measure = (each: ServerSocket) => {
        each.receive(request(name));
        now.mockClear();
        const {
          TickObject: _,
          WRITEWRAP: __,
          ...counts
        } = countResources(() => each.receive(...times(16, request(name))));
        return { counts, clock: now.mock.calls.length };
      };
      const [without, withLimit] = [measure(peer), measure(limitedPeer)];
      expect(withLimit.counts).toEqual(without.counts);
      expect(withLimit.clock - without.clock).toBe(16);
    },
  );

  it('makes no promise or timer for interceptors, only its own scope and that of the handler', () => {
    peer.receive(request('intercepted'));
    const counts = countResources(() => peer.receive(...times(16, request('intercepted'))));
    expect(counts).toMatchObject({ WebwireScope: 32 });
    expect(Object.keys(counts)).not.toEqual(expect.arrayContaining(['PROMISE']));
    expect(Object.keys(counts)).not.toEqual(expect.arrayContaining(['Timeout']));
  });

  it('makes no AbortController, unless its handler reads abortSignal', () => {
    let made = 0;
    vi.stubGlobal(
      'AbortController',
      class extends AbortController {
        constructor() {
          super();
          made++;
        }
      },
    );
    peer.receive(request('direct'), request('guarded'), request('intercepted'), request('async'));
    expect(made).toBe(0);
    peer.receive(...times(3, request('aborted')));
    expect(made).toBe(3);
  });
});

describe('a message whose handler returns a promise', () => {
  const signal = { type: MessageType.SignalBinary, name: 'promised', payload: Buffer.alloc(1) } as const;

  it.each([
    ['request', request('promised'), 2],
    ['signal', signal, 3],
  ])('takes few promises of its own, and no timer: a %s', (_kind, message, promises) => {
    peer.receive(message);
    const { TickObject = 0, ...counts } = countResources(() => peer.receive(...times(16, message)));
    expect(counts).toEqual({ WebwireScope: 16, PROMISE: 16 * promises });
    expect(TickObject).toBeLessThanOrEqual(1);
  });
});

describe('the tracing channels', () => {
  /** Counts how often the subscribers of a kind of messages are asked for. There are none. */
  function countChecks(kind: string): { count: number } {
    const { start } = tracingChannel(`nestjs-webwire:${kind}`);
    const checks = { count: 0 };
    Object.defineProperty(start, 'hasSubscribers', { get: () => (checks.count++, false), configurable: true });
    onTestFinished(() => void Reflect.deleteProperty(start, 'hasSubscribers'));
    return checks;
  }

  it('cost one check for each message while nobody subscribes', () => {
    const [requests, signals, streams] = [countChecks('request'), countChecks('signal'), countChecks('stream')];
    peer.receive(...times(16, request('direct')));
    expect([requests.count, signals.count, streams.count]).toEqual([16, 0, 16]);
    peer.receive(...times(16, { type: MessageType.SignalBinary, name: 'count', payload: Buffer.alloc(1) }));
    expect([requests.count, signals.count, streams.count]).toEqual([16, 16, 16]);
  });

  it('take no promise, timer or scope of a message while somebody subscribes to them', () => {
    const channel = tracingChannel('nestjs-webwire:request').start;
    const subscriber = () => undefined;
    channel.subscribe(subscriber);
    onTestFinished(() => channel.unsubscribe(subscriber));
    peer.receive(request('direct'));
    const {
      TickObject: _ticks,
      WRITEWRAP: _writes,
      ...others
    } = countResources(() => peer.receive(...times(16, request('direct'))));
    expect(others).toEqual({ WebwireScope: 16 });
  });
});

it('the bytes that wait in a socket are read for each write, not for each message', () => {
  peer.receive(request('direct'));
  const { writableLength } = peer.socket;
  expect(writableLength).toBe(0);
  const read = vi.fn<() => number>(() => 0);
  Object.defineProperty(peer.socket, 'writableLength', { get: read, configurable: true });
  peer.receive(...times(16, request('direct')));
  expect(peer.writes).toHaveLength(2);
  expect(read).toHaveBeenCalledTimes(1);
});

it('a payload that a handler keeps does not change', async () => {
  const bodies = Array.from({ length: 20 }, (_, n) => Buffer.alloc(10 + 50 * n, n));
  for (const body of bodies) {
    peer.client.sendBytes(Buffer.concat([Buffer.from('7f0000000000000001046b656570', 'hex'), body]));
    await peer.client.next();
  }
  for (let n = 0; n < 2_000; n++) peer.client.send('direct', 'x'.repeat(n));
  for (let n = 0; n < 2_000; n++) await peer.client.next();
  expect(gateway.kept.map(({ body }) => Buffer.from(body))).toEqual(bodies);
  expect(gateway.kept.map(({ message }) => Buffer.from(message.payload.bytes))).toEqual(bodies);
});

it('a flood on one connection does not block others, and keeps its order', async () => {
  const other = await ServerSocket.connect(app);
  const flood = { type: MessageType.SignalBinary, name: 'count', payload: Buffer.alloc(1) } as const;
  peer.receive(...times(2_000, flood), request('direct'));
  expect(gateway.received).toBeLessThanOrEqual(128);
  other.receive(request('direct'));
  expect(other.writes).toHaveLength(1);
  expect(peer.writes).toEqual([]);
  while (peer.writes.length === 0) {
    const before = gateway.received;
    await nextTurn();
    expect(gateway.received - before).toBeLessThanOrEqual(2 * 128);
  }
  expect(gateway.received).toBe(2_000);
  expect(peer.writes).toHaveLength(1);
});
