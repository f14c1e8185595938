import {
  MemoryTransport,
  RequestError,
  WebwireGateway,
  WebwireMessage,
  WebwireService,
  WebwireStream,
  type Message,
} from 'nestjs-webwire';
import { WebwireClient, type ClientOptions } from 'nestjs-webwire/client';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { outcome } from '../client/outcome.js';
import { TestApp } from '../support/test-app.js';
import { acrossConnections } from './page/across-connections.js';

let opened: number;
let closed: number;

@WebwireGateway()
class NumbersGateway {
  /** Its only item is the number of the stream. It ends with its connection. */
  @WebwireStream('endless') async *endless(@WebwireMessage() { abortSignal }: Message) {
    opened++;
    try {
      yield String(opened);
      await new Promise((resolve) => abortSignal.addEventListener('abort', resolve, { once: true }));
      abortSignal.throwIfAborted();
    } finally {
      closed++;
    }
  }

  @WebwireStream('short') async *short() {
    yield 'a';
    yield 'b';
  }

  @WebwireStream('broken') async *broken() {
    yield 'a';
    throw new RequestError('BROKEN', 'no more');
  }
}

let transport: MemoryTransport;
let app: TestApp;

beforeEach(async () => {
  [opened, closed] = [0, 0];
  transport = new MemoryTransport();
  await startServer();
});

async function startServer(): Promise<void> {
  const started = await TestApp.start({ providers: [NumbersGateway] }, { sessions: false, transport });
  onTestFinished(() => started.close());
  app = started;
}

function createClient(options: ClientOptions = {}): WebwireClient {
  const { webSocket } = transport;
  const client = new WebwireClient('ws://localhost', {
    webSocket,
    reconnect: { minDelay: 1, maxDelay: 5 },
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}

function loseConnections(): void {
  for (const connection of app.get(WebwireService).connections) void connection.close();
}

/** Reads a stream, and calls a function after each item. */
async function read(client: WebwireClient, name: string, each = (_item: string): unknown => undefined) {
  const items: string[] = [];
  const open = () => client.stream(name);
  const reading = async () => {
    for await (const item of acrossConnections(client, open)) {
      items.push(item.text());
      await each(item.text());
    }
    return 'ended';
  };
  return { items, end: await outcome(reading()) };
}

it('goes on with the next connection', async () => {
  const client = createClient();
  const { items, end } = await read(client, 'endless', (item) =>
    item === '3' ? client.disconnect() : setImmediate(loseConnections),
  );
  expect(items).toEqual(['1', '2', '3']);
  expect(end).toMatch(/^DISCONNECTED: disconnected from .* by disconnect\(\)$/);
});

it('goes on with the next server', async () => {
  const client = createClient();
  const { items } = await read(client, 'endless', async (item) => {
    if (item === '2') return client.disconnect();
    await app.close();
    return startServer();
  });
  expect(items).toEqual(['1', '2']);
});

it('waits longer than a request for a server', async () => {
  await app.close();
  const client = createClient({ requestTimeout: 20 });
  const reading = read(client, 'short');
  const timedOut = new Promise((resolve) => void client.request('any').catch(resolve));
  expect(await timedOut).toMatchObject({ code: 'TIMEOUT' });
  await startServer();
  expect(await reading).toEqual({ items: ['a', 'b'], end: 'ended' });
});

it('ends with the stream', async () => {
  expect(await read(createClient(), 'short')).toEqual({ items: ['a', 'b'], end: 'ended' });
});

it('throws the error of the handler', async () => {
  expect(await read(createClient(), 'broken')).toEqual({ items: ['a'], end: 'BROKEN: no more' });
});

it.each<[string, ClientOptions]>([
  ['reconnect', { reconnect: false }],
  ['retryOn', { retryOn: () => false }],
])('throws the error of a lost connection if the option %s does not allow another', async (_name, options) => {
  const client = createClient(options);
  await client.connect();
  const { items, end } = await read(client, 'endless', () => setImmediate(loseConnections));
  expect([items, String(end).split(':')[0]]).toEqual([['1'], 'DISCONNECTED']);
});

it('throws when the client is closed', async () => {
  const client = createClient();
  const { end } = await read(client, 'endless', () => void client.close());
  expect(end).toMatch(/^DISCONNECTED/);
});

it('ends with its signal', async () => {
  const client = createClient();
  const abort = new AbortController();
  const open = () => client.stream('endless', null, { signal: abort.signal });
  const stream = acrossConnections(client, open);
  await stream.next();
  const next = outcome(stream.next());
  abort.abort();
  expect(await next).toMatch(/^CANCELED/);
});

it('closes the stream when the loop is left', async () => {
  const client = createClient();
  const stream = acrossConnections(client, () => client.stream('endless'));
  await stream.next();
  await stream.return();
  await vi.waitFor(() => expect(closed).toBe(1));
  expect(opened).toBe(1);
});
