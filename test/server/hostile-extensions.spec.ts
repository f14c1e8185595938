import assert from 'node:assert/strict';
import {
  MemoryTransport,
  Payload,
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireStream,
  type Message,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { encodeMessage, MessageType } from 'nestjs-webwire/protocol';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ContractClient } from '../contract/contract-client.js';
import { openMemorySocket } from '../contract/end.js';
import { deferred } from '../support/deferred.js';
import { heapInUse } from '../support/heap-in-use.js';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { describe as show } from '../support/wire-client.js';

const NOTHING = Payload.binary(new Uint8Array());
const ALL = ['stream', 'cancel', 'ping', 'trace'];
const TRACE = `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01\n${'x'.repeat(512)}`;

@WebwireGateway()
class Gateway {
  made = 0;
  readonly stuck = deferred();
  readonly log = new Queue<string>();

  @WebwireStream('endless') async *endless() {
    for (;;) yield String(this.made++);
  }
  @WebwireStream('silent') async *silent(@WebwireMessage() { abortSignal }: Message) {
    yield 'one';
    await once(abortSignal, 'abort');
  }
  @WebwireStream('short') async *short() {
    yield 'one';
  }
  @WebwireStream('stuck') async *stuckStream() {
    try {
      yield 'one';
      await this.stuck.promise;
      yield 'two';
    } finally {
      this.log.push('stopped');
    }
  }
  @WebwireRequest('echo') echo(@WebwireMessage() { payload }: Message) {
    return payload;
  }
  @WebwireRequest('later') async later(@WebwireMessage() { payload }: Message) {
    await Promise.resolve();
    return payload;
  }
  @WebwireRequest('watch') async watch(@WebwireMessage() { abortSignal }: Message) {
    await once(abortSignal, 'abort');
    this.log.push('aborted');
  }
}

async function start(options: WebwireModuleOptions = {}) {
  const transport = new MemoryTransport();
  const app = await TestApp.start({ providers: [Gateway] }, { sessions: false, transport, ...options });
  onTestFinished(() => app.close());
  const connect = async () => {
    const client = await ContractClient.connect((listener) => openMemorySocket(transport, listener));
    onTestFinished(() => client.terminate());
    await client.nextBytes();
    await client.extend(...ALL);
    return client;
  };
  return { app, gateway: app.get(Gateway), client: await connect(), connect };
}

function hexOf(n: number): string {
  const id = Buffer.alloc(8);
  id.writeUInt32LE(n);
  return id.toString('hex');
}

/** Opens a stream, and takes the items that come without a grant. @returns Its identifier in hexadecimal digits. */
async function open(client: ContractClient, name: string, items: number): Promise<string> {
  const id = Buffer.from(client.request(name, 'x')).toString('hex');
  for (let n = 0; n < items; n++) expect(await client.nextInShort()).toMatch(/^signal wwr:item:/);
  return id;
}

/** Makes sure that nothing but the reply to a ping arrives, twice, as a ping may overtake replies of the same turn. */
async function expectSilence(client: ContractClient) {
  for (let n = 0; n < 2; n++) expect(await client.ask('wwr:ping', NOTHING)).toBe('binary');
  expect(client.rest).toBe(0);
}

const FLOOD = 20_000;
/** Bytes for each message of a flood. An entry that is kept takes more. */
const ALLOWED = 30;

/** Sends a flood twice, as the first one compiles code and fills caches. The second one must not take memory that lasts. */
async function expectNoGrowth(flood: () => Promise<void>) {
  await flood();
  const before = await heapInUse();
  await flood();
  expect((await heapInUse()) - before).toBeLessThan(FLOOD * ALLOWED);
}

describe('a client gets no more items than it granted', () => {
  it.each(['-5', '0', '01', '1.5', 'NaN', 'Infinity', '1e9', '9999999999', '', ' 5', 'x'.repeat(5_000)])(
    'with the count %j',
    async (count) => {
      const { client, gateway } = await start();
      const id = await open(client, 'endless', 64);
      client.signal(`wwr:more:${id}`, count);
      client.signal(`wwr:more:${id}`, Payload.utf16('5'));
      client.signal(`wwr:more:${id}`, Payload.binary(Buffer.from('5')));
      await expectSilence(client);
      expect(gateway.made).toBe(64);
    },
  );

  it('nor more than the window with billions', async () => {
    const { client, gateway } = await start();
    const id = await open(client, 'endless', 64);
    for (let n = 0; n < 100; n++) client.signal(`wwr:more:${id}`, '999999999');
    await expectSilenceAfterItems(client);
    expect(gateway.made).toBeLessThanOrEqual(64 + 100 * 64);
    const { made } = gateway;
    await expectSilence(client);
    expect(gateway.made).toBe(made);
  });

  it('with grants for the stream of another client', async () => {
    const { client, connect, gateway } = await start();
    const id = await open(client, 'endless', 64);
    const other = await connect();
    other.signal(`wwr:more:${id}`, '64');
    other.signal(`wwr:cancel:${id}`, NOTHING);
    await expectSilence(other);
    await expectSilence(client);
    expect(gateway.made).toBe(64);
    client.signal(`wwr:more:${id}`, '1');
    expect(await client.nextInShort()).toMatch(/utf8 64$/);
  });

  it('while it does not read, although it floods the server with grants', async () => {
    const { app, client, connect, gateway } = await start({ maxBufferedAmount: 10_000 });
    const id = await open(client, 'endless', 64);
    client.pause();
    const other = await connect();
    for (let n = 0; n < 5_000; n++) client.signal(`wwr:more:${id}`, '999999999');
    await expectSilence(other);
    await expectSilence(other);
    // An item takes more than 27 bytes.
    expect(gateway.made).toBeLessThan(64 + 10_000 / 27 + 1);
    expect(app.logger.at('warn')).toEqual([]);
  });
});

/** Pings until several replies in a row come without items before them. */
async function expectSilenceAfterItems(client: ContractClient) {
  for (let silent = 0; silent < 5; silent++) {
    client.request('wwr:ping', NOTHING);
    while ((await client.nextInShort()) !== 'binary') silent = -1;
  }
}

describe('a flood gets nothing, and leaves nothing behind:', () => {
  it.each<[string, (n: number, open: string, ended: string) => [string, string]]>([
    ['grants of billions', (_n, id) => [`wwr:more:${id}`, '999999999']],
    ['negative grants', (_n, id) => [`wwr:more:${id}`, '-1']],
    ['grants without a number', (_n, id) => [`wwr:more:${id}`, 'NaN']],
    ['grants for streams that never were', (n) => [`wwr:more:${hexOf(1_000_000 + n)}`, '5']],
    ['grants for a stream that has ended', (_n, _id, ended) => [`wwr:more:${ended}`, '5']],
    ['cancellations of requests that never were', (n) => [`wwr:cancel:${hexOf(1_000_000 + n)}`, 'x']],
    ['cancellations of a stream that has ended', (_n, _id, ended) => [`wwr:cancel:${ended}`, 'x']],
    ['reserved names that do not exist', (n) => [`wwr:new:${n}`, 'x']],
    ['items', (_n, id) => [`wwr:item:${id}`, 'x']],
    ['trace contexts of requests', (n) => [`wwr:trace:${hexOf(1_000_000 + n)}`, TRACE]],
    ['trace contexts of signals', () => ['wwr:trace', TRACE]],
  ])('%s', async (_what, message) => {
    const { client } = await start();
    const id = await open(client, 'silent', 1);
    const ended = await open(client, 'short', 1);
    expect(await client.nextInShort()).toBe('binary');
    await expectNoGrowth(async () => {
      for (let n = 0; n < FLOOD; n++) client.signal(...message(n, id, ended));
      await expectSilence(client);
    });
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });

  it.each<[string, (n: number) => [string, string], RegExp]>([
    ['questions for extensions', () => ['wwr:extensions', '{"extensions":["ping"]}'], /^utf8 .*"cancel"/],
    ['malformed questions', () => ['wwr:extensions', '{'], /^error BAD_REQUEST/],
    ['requests with reserved names', (n) => [`wwr:new:${n}`, 'x'], /^error NOT_FOUND/],
  ])('%s', async (_what, message, reply) => {
    const { client } = await start();
    await expectNoGrowth(async () => {
      for (let n = 0; n < FLOOD; n++) {
        const [name, body] = message(n);
        client.request(name, body);
      }
      for (let replies = 0; replies < FLOOD;) {
        const text = await client.nextInShort();
        // The server does not read while its replies wait.
        if (text.startsWith('signal wwr:busy')) continue;
        assert.match(text, reply);
        replies++;
      }
    });
    await expectSilence(client);
  });
});

describe('a request that is canceled twice', () => {
  it('gets one reply, and its handler is aborted once', async () => {
    const { client, gateway } = await start();
    const id = Buffer.from(client.request('watch')).toString('hex');
    for (let n = 0; n < 5; n++) client.signal(`wwr:cancel:${id}`, NOTHING);
    expect(await client.nextInShort()).toMatch(/^error CANCELED/);
    await gateway.log.take();
    await expectSilence(client);
    expect(gateway.log.rest).toEqual([]);
  });
});

describe('requests with one identifier', () => {
  const send = (client: ContractClient, name: string) =>
    client.sendBytes(
      encodeMessage({ type: MessageType.RequestUtf8, id: Buffer.alloc(8, 7), name, payload: Buffer.from('x') }),
    );

  it('get one reply each, and leave nothing behind', async () => {
    const { client, gateway } = await start();
    for (let n = 0; n < 100; n++) send(client, 'watch');
    for (let n = 0; n < 200; n++) client.signal(`wwr:cancel:${'07'.repeat(8)}`, NOTHING);
    for (let n = 0; n < 100; n++) expect(await client.nextInShort()).toMatch(/^error CANCELED/);
    for (let n = 0; n < 100; n++) await gateway.log.take();
    await expectSilence(client);
  });

  it('are canceled one by one, beginning with the last that still runs', async () => {
    const { client, gateway } = await start();
    send(client, 'watch');
    send(client, 'later');
    expect(await client.nextInShort()).toBe('utf8 x');
    send(client, 'silent');
    expect(await client.nextInShort()).toMatch(/^signal wwr:item:/);
    client.signal(`wwr:cancel:${'07'.repeat(8)}`, NOTHING);
    expect(await client.nextInShort()).toMatch(/^error CANCELED/);
    await expectSilence(client);
    expect(gateway.log.rest).toEqual([]);
    client.signal(`wwr:cancel:${'07'.repeat(8)}`, NOTHING);
    expect(await client.nextInShort()).toMatch(/^error CANCELED/);
    expect(await gateway.log.take()).toBe('aborted');
    client.signal(`wwr:cancel:${'07'.repeat(8)}`, NOTHING);
    await expectSilence(client);
  });

  it('are canceled beginning with the last that was sent, also if some wait', async () => {
    const { client, gateway } = await start({ concurrencyLimit: 1 });
    send(client, 'watch');
    send(client, 'watch');
    client.signal(`wwr:cancel:${'07'.repeat(8)}`, NOTHING);
    expect(await client.nextInShort()).toMatch(/^error CANCELED/);
    await expectSilence(client);
    expect(gateway.log.rest).toEqual([]);
    client.signal(`wwr:cancel:${'07'.repeat(8)}`, NOTHING);
    expect(await client.nextInShort()).toMatch(/^error CANCELED/);
    expect(await gateway.log.take()).toBe('aborted');
  });

  it('count for maxStreams as others do', async () => {
    const { client } = await start({ maxStreams: 3 });
    for (let n = 0; n < 5; n++) send(client, 'silent');
    const arrived: string[] = [];
    for (let n = 0; n < 5; n++) arrived.push(show(await client.next()));
    expect(arrived.filter((text) => text.startsWith('signal wwr:item:'))).toHaveLength(3);
    expect(arrived.filter((text) => text.startsWith('error TOO_MANY_STREAMS'))).toHaveLength(2);
    await expectSilence(client);
  });
});

it('a canceled stream counts for maxStreams until its generator has stopped', async () => {
  const { client, gateway } = await start({ maxStreams: 2 });
  for (let n = 0; n < 2; n++) {
    const id = await open(client, 'stuck', 1);
    client.signal(`wwr:cancel:${id}`, NOTHING);
    expect(await client.nextInShort()).toMatch(/^error CANCELED/);
  }
  expect(await client.ask('short')).toMatch(/^error TOO_MANY_STREAMS/);
  gateway.stuck.resolve();
  for (let n = 0; n < 2; n++) await gateway.log.take();
  await expectSilence(client);
  await open(client, 'short', 1);
  expect(await client.nextInShort()).toBe('binary');
});
