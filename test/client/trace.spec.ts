import {
  MemoryTransport,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireStream,
  type Message,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { WebwireClient, type ClientOptions, type TraceContext, type TracedMessage } from 'nestjs-webwire/client';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { FakeServer, hexId, nextTurn, replyUtf8, type FakeSocket } from './fake-server.js';
import { outcome } from './outcome.js';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const ASK = /^8000000000000000000e7777723a657874656e73696f6e73/;

const hex = (text: string) => Buffer.from(text).toString('hex');

/** A client of a fake server that has answered the question for extensions. */
async function answered(options: ClientOptions, extensions = '["stream","cancel","ping","trace"]', conf?: string) {
  const server = new FakeServer();
  const client = server.client(options);
  const connecting = client.connect();
  const socket = await server.accept(conf);
  await connecting;
  expect(await socket.received.take()).toMatch(ASK);
  await answer(socket, extensions);
  return { client, socket };
}

async function answer(socket: FakeSocket, extensions: string) {
  socket.say(`c0${hexId(0)}${hex(`{"extensions":${extensions},"streamWindow":64}`)}`);
  await nextTurn();
}

describe('what the client sends with the option trace', () => {
  it('is the version and the extensions of the client, first of all', async () => {
    const server = new FakeServer();
    const client = server.client({ trace: () => undefined });
    void outcome(client.request('r', 'x'));
    const socket = await server.accept();
    const question = await socket.received.take();
    expect(Buffer.from(question.slice(48), 'hex').toString()).toMatch(
      /^\{"client":"nestjs-webwire\/\d+\.\d+","extensions":\["stream","cancel","ping","trace","flow"\]\}$/,
    );
    expect(await socket.received.take()).toBe(`80${hexId(1)}017278`);
  });

  it('is the trace context just before a request', async () => {
    const { client, socket } = await answered({ trace: () => ({ traceparent: PARENT, tracestate: 'a=1' }) });
    const reply = client.request('r', 'x');
    expect(await socket.received.take()).toBe(`401a${hex(`wwr:trace:${hexId(1)}${PARENT}\na=1`)}`);
    expect(await socket.received.take()).toBe(`80${hexId(1)}017278`);
    socket.say(replyUtf8(1, 'y'));
    expect((await reply).text()).toBe('y');
  });

  it.each([undefined, null])('is the trace context just before a signal, without tracestate %s', async (tracestate) => {
    const context = { traceparent: PARENT, tracestate } as TraceContext;
    const { client, socket } = await answered({ trace: () => context });
    await client.signal('s', 'x');
    expect(await socket.received.take()).toBe(`4009${hex(`wwr:trace${PARENT}\n`)}`);
    expect(await socket.received.take()).toBe(`40017378`);
  });

  it('is the trace context just before a stream, and none for its grants', async () => {
    const calls: TracedMessage[] = [];
    const trace = (message: TracedMessage) => {
      calls.push(message);
      return { traceparent: PARENT };
    };
    const { client, socket } = await answered({ trace });
    const items = client.stream('s', 'x');
    void outcome(items.next());
    expect(await socket.received.take()).toBe(`401a${hex(`wwr:trace:${hexId(1)}${PARENT}\n`)}`);
    expect(await socket.received.take()).toBe(`80${hexId(1)}017378`);
    socket.say(`4019${hex(`wwr:item:${hexId(1)}a`)}`);
    await nextTurn();
    await items.return(undefined);
    expect(await socket.received.take()).toBe(`3f1b${hex(`wwr:cancel:${hexId(1)}`)}`);
    expect(calls).toEqual([{ kind: 'stream', name: 's' }]);
  });

  it('is nothing more for a message without a trace', async () => {
    const { client, socket } = await answered({ trace: () => undefined });
    await client.signal('s', 'x');
    expect(await socket.received.take()).toBe(`40017378`);
  });

  it('is nothing more before the server has answered', async () => {
    const server = new FakeServer();
    const client = server.client({ trace: () => ({ traceparent: PARENT }) });
    void outcome(client.request('r', 'x'));
    const socket = await server.accept();
    expect(await socket.received.take()).toMatch(ASK);
    expect(await socket.received.take()).toBe(`80${hexId(1)}017278`);
    await answer(socket, '["trace"]');
    await client.signal('s', 'x');
    expect(await socket.received.take()).toBe(`4009${hex(`wwr:trace${PARENT}\n`)}`);
  });

  it.each(['["stream","cancel","ping"]', '[]'])('is nothing more to a server with the extensions %s', async (names) => {
    const { client, socket } = await answered({ trace: () => ({ traceparent: PARENT }) }, names);
    await client.signal('s', 'x');
    expect(await socket.received.take()).toBe(`40017378`);
  });

  it('is plain WebWire with extensions: false', async () => {
    const server = new FakeServer();
    const client = server.client({ extensions: false, trace: () => ({ traceparent: PARENT }) });
    void outcome(client.request('r', 'x'));
    const socket = await server.accept();
    expect(await socket.received.take()).toBe(`80${hexId(1)}017278`);
    await nextTurn();
    expect(socket.received.rest).toEqual([]);
  });

  it('is no trace context for a message that is too large, or if it is too large itself', async () => {
    const conf = '17020060ea000080000000';
    let tracestate = '';
    const { client, socket } = await answered(
      { trace: () => ({ traceparent: PARENT, tracestate }) },
      '["trace"]',
      conf,
    );
    expect(await outcome(client.signal('s', 'x'.repeat(200)))).toMatch(/^BUFFER_OVERFLOW/);
    tracestate = 'x'.repeat(100);
    await client.signal('s', 'x');
    expect(await socket.received.take()).toBe(`40017378`);
  });
});

describe('the option trace', () => {
  it.each([
    ['throws', new Error('broken')],
    ['returns no traceparent', {}],
    ['returns a text', PARENT],
    ['returns a promise', Promise.resolve({ traceparent: PARENT })],
    ['returns a broken traceparent', { traceparent: '00-zz' }],
    ['returns a number', { traceparent: 5 }],
  ])('does not fail the message if it %s', async (_what, result) => {
    const trace = () => {
      if (result instanceof Error) throw result;
      return result as TraceContext;
    };
    const { client, socket } = await answered({ trace });
    const errors = new Queue<unknown>();
    client.on('error', ({ error }) => errors.push(error));
    await client.signal('s', 'x');
    expect(await errors.take()).toMatchObject({
      message: expect.stringMatching(/broken|returned (no traceparent|a promise)/),
    });
    expect(await socket.received.take()).toBe(`40017378`);
  });

  it('must be a function', () => {
    expect(() => new WebwireClient('ws://x', { trace: {} as never })).toThrow(
      /trace is "object", but must be a function/,
    );
  });
});

@WebwireGateway()
class Gateway {
  @WebwireRequest('trace') trace(@WebwireMessage() { trace }: Message) {
    return trace ?? 'none';
  }
  @WebwireStream('trace stream') async *stream(@WebwireMessage() { trace }: Message) {
    yield trace ?? 'none';
  }
}

describe('with a server, the trace context', () => {
  async function start(options: ClientOptions, serverOptions: WebwireModuleOptions = {}) {
    const transport = new MemoryTransport();
    const app = await TestApp.start({ providers: [Gateway] }, { sessions: false, transport, ...serverOptions });
    const client = new WebwireClient('ws://memory', { webSocket: transport.webSocket, ...options });
    onTestFinished(async () => {
      await client.close();
      await app.close();
    });
    return client;
  }

  it('of the caller reaches the handler, also if the message waits for a connection', async () => {
    const active = new AsyncLocalStorage<string>();
    const traces = ['1', '2', '3'].map((digit) => PARENT.replace('0af', `0a${digit}`));
    const client = await start({ trace: () => ({ traceparent: active.getStore()! }) });
    // The first reply arrives after the answer about extensions.
    expect((await active.run(traces[0]!, () => client.request('trace'))).text()).toBe('none');
    const replies = await Promise.all(traces.map((trace) => active.run(trace, () => client.request('trace'))));
    expect(replies.map((reply) => reply.json())).toEqual(traces.map((traceparent) => ({ traceparent })));
    const items = active.run(traces[2]!, () => client.stream('trace stream'));
    expect((await items.next()).value?.json()).toEqual({ traceparent: traces[2] });
    await items.return(undefined);
  });

  it('is not sent to a server without extensions', async () => {
    const client = await start({ trace: () => ({ traceparent: PARENT }) }, { extensions: false });
    for (let n = 0; n < 2; n++) expect((await client.request('trace')).text()).toBe('none');
  });
});
