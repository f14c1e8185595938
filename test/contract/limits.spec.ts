import { Payload } from 'nestjs-webwire';
import { MessageType } from 'nestjs-webwire/protocol';
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CARRIAGES } from './carriages.js';
import { start } from './contract-app.js';

/** Bytes that cannot be compressed. */
const CHUNK = Payload.binary(randomBytes(256 * 1024));

/**
 * More than the operating systems of both sides buffer for a connection, in chunks: 24 MiB. By default, Linux buffers 4 MiB
 * of a sender and 6 MiB of a receiver.
 */
const TOO_MUCH = 96;

/**
 * The same for a server that has read before it stops: 64 MiB. It holds 16 messages, and systems enlarge the buffer of a receiver
 * that reads fast, some of them up to 32 MiB.
 */
const MUCH_TOO_MUCH = 256;

/** Requests of 1 kB that come at once: with their replies, more than may wait for a client by default, which is 1 MiB. */
const REQUESTS = 10_000;

/** Long enough for a busy machine. */
const WAIT = { timeout: 20_000, interval: 1 };

/** Four times the allowed backlog, in chunks. */
const ENOUGH_TO_DROP = 8;

describe.each(CARRIAGES)('limits over $name', (carriage) => {
  it('let so many handlers run at once, and the others in order', async () => {
    const { gateway, connect } = await start(carriage, { concurrencyLimit: 2 });
    const client = await connect();
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) client.request('wait', name);
    client.request('echo', 'last');
    await gateway.started.take((name) => name === 'b');
    expect(await (await connect()).ask('echo', 'x')).toBe('utf8 x');
    expect(gateway.started.rest).toEqual(['a']);
    gateway.open('b');
    expect(await client.nextInShort()).toBe('utf8 b');
    await gateway.started.take((name) => name === 'c');
    gateway.open('a');
    gateway.open('c');
    gateway.open('d');
    const rest = [];
    for (let i = 0; i < 4; i++) rest.push(await client.nextInShort());
    expect(rest.toSorted()).toEqual(['utf8 a', 'utf8 c', 'utf8 d', 'utf8 last']);
    expect(gateway.started.rest).toEqual(['a', 'd']);
  });

  it('stop reading a client that sends more than is handled, and read the rest later', async () => {
    const options = { concurrencyLimit: 1, messageBufferSize: CHUNK.bytes.length + 1_024 };
    const { gateway, connect } = await start(carriage, options);
    const [client, other] = [await connect(), await connect()];
    client.request('wait', 'first');
    await gateway.started.take();
    let sent = 0;
    do {
      for (let i = 0; i < 8; i++, sent++) client.request('length', CHUNK);
      // Waits until no more bytes are sent. Chunks to the other client use the same compression queue.
      let before: number;
      do {
        before = client.bufferedAmount;
        await other.ask('length', CHUNK);
      } while (client.bufferedAmount < before);
    } while (client.bufferedAmount === 0 && sent < MUCH_TOO_MUCH);
    expect(client.bufferedAmount).toBeGreaterThan(0);
    gateway.open('first');
    expect(await client.nextInShort()).toBe('utf8 first');
    for (let i = 0; i < sent; i++) expect(await client.nextInShort()).toBe(`utf8 ${CHUNK.bytes.length}`);
    expect(client.bufferedAmount).toBe(0);
  });

  it('hold up a client that does not read its replies, and answer everything in order when it does', async () => {
    const options = { maxBufferedAmount: 2 ** 19, messageBufferSize: 2 ** 20 };
    const { gateway, connect } = await start(carriage, options);
    const [client, other] = [await connect(), await connect()];
    const [connection] = gateway.connections;
    client.pause();
    const ids = Array.from({ length: TOO_MUCH }, () => client.request('bytes', String(CHUNK.bytes.length)));
    await vi.waitUntil(() => connection!.bufferedAmount > options.maxBufferedAmount, WAIT);
    // Waits until no more replies arrive.
    let replies: number;
    do {
      ({ replies } = gateway);
      await other.ask('echo', CHUNK);
    } while (gateway.replies > replies);
    expect(replies).toBeLessThan(TOO_MUCH);
    expect(connection!.bufferedAmount).toBeLessThan(options.maxBufferedAmount + 2 * CHUNK.bytes.length);
    expect(connection!.isActive).toBe(true);
    // A signal after many replies does not disconnect the client.
    expect(connection!.signal('news', 'x')).toBe(true);
    client.resume();
    const received = [];
    while (received.length < TOO_MUCH) {
      const message = await client.next();
      if (message.type === MessageType.ReplyBinary) received.push(message.id);
    }
    expect(received).toEqual(ids);
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
    expect(gateway.disconnects.rest).toEqual([]);
  });

  it.each([Infinity, 1])('answer many requests of 1 kB that come at once, %d handlers at a time', async (limit) => {
    const { gateway, connect } = await start(carriage, { concurrencyLimit: limit });
    const client = await connect();
    const body = Payload.binary(CHUNK.bytes.subarray(0, 1_000));
    for (let i = 0; i < REQUESTS; i++) client.request('echo', body);
    const lengths = new Set<number>();
    for (let i = 0; i < REQUESTS; i++) lengths.add((await client.nextBytes()).length);
    // One assertion, as thousands of them take longer than the requests.
    expect([...lengths]).toEqual([1_009]);
    expect(gateway.disconnects.rest).toEqual([]);
  });

  it('answer all waiting requests when the server shuts down, with any amount of data', async () => {
    const { gateway, connect } = await start(carriage, { maxBufferedAmount: 2 ** 19, messageBufferSize: 2 ** 20 });
    const client = await connect();
    const [connection] = gateway.connections;
    client.pause();
    for (let i = 0; i < TOO_MUCH; i++) client.request('bytes', String(CHUNK.bytes.length));
    await vi.waitUntil(() => connection!.bufferedAmount > 2 ** 19, WAIT);
    const shutdown = gateway.server.shutdown();
    client.resume();
    const answers: number[] = [];
    for (;;) {
      const message = await client.next().catch(() => undefined);
      if (!message) break;
      answers.push(message.type);
    }
    await shutdown;
    expect(await client.closed).toEqual({
      code: 1001,
      reason: 'server shutting down after all replies',
    });
    expect(answers.filter((type) => type === MessageType.ReplyBinary)).toHaveLength(gateway.replies);
    expect(new Set(answers.slice(gateway.replies))).toEqual(new Set([MessageType.ReplyShutdown]));
  });

  it('notice that a client has gone whose replies wait', async () => {
    const { gateway, connect } = await start(carriage, { maxBufferedAmount: 2 ** 19, messageBufferSize: 2 ** 20 });
    const client = await connect();
    const [connection] = gateway.connections;
    client.pause();
    for (let i = 0; i < TOO_MUCH; i++) client.request('bytes', String(CHUNK.bytes.length));
    await vi.waitUntil(() => connection!.bufferedAmount > 2 ** 19, WAIT);
    client.terminate();
    expect(await gateway.disconnects.take()).toBe('connection-lost');
  });

  it('drop a client that reads nothing for the read timeout', async () => {
    const options = { maxBufferedAmount: 2 ** 19, messageBufferSize: 2 ** 20, readTimeout: 400 };
    const { gateway, connect } = await start(carriage, options);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const client = await connect();
    const [connection] = gateway.connections;
    client.pause();
    for (let i = 0; i < TOO_MUCH; i++) client.request('bytes', String(CHUNK.bytes.length));
    while (connection!.bufferedAmount <= options.maxBufferedAmount) await setImmediate();
    // The server checks the connection eight times per read timeout. Later it waits 2 s for the end of the closed connection.
    while (connection!.isActive) {
      vi.advanceTimersByTime(options.readTimeout / 8);
      await setImmediate();
    }
    while (gateway.disconnects.rest.length === 0) {
      vi.advanceTimersByTime(2_000);
      await setImmediate();
    }
    expect(gateway.disconnects.rest).toEqual(['backlog']);
  });

  it('drop a client that does not read, with a close frame that it can read later', async () => {
    const { gateway, connect } = await start(carriage, { maxBufferedAmount: 2 ** 19, messageBufferSize: 2 ** 20 });
    const client = await connect();
    const [connection] = gateway.connections;
    client.pause();
    let sent = 0;
    while (connection!.signal('chunk', CHUNK)) {
      sent++;
      await setImmediate();
    }
    expect(sent).toBeGreaterThan(1);
    expect(sent).toBeLessThan(TOO_MUCH);
    client.resume();
    for (let i = 0; i < sent; i++) expect(await client.next()).toMatchObject({ name: 'chunk' });
    expect(await client.closed).toEqual({ code: 1013, reason: 'reads too slowly' });
    expect(await gateway.disconnects.take()).toBe('backlog');
  });

  it('do not drop a client that reads, with any amount of data', async () => {
    const { gateway, connect } = await start(carriage, { maxBufferedAmount: 2 ** 19, messageBufferSize: 2 ** 20 });
    const client = await connect();
    for (let i = 0; i < ENOUGH_TO_DROP; i++) {
      expect(gateway.connections[0]!.signal('chunk', CHUNK)).toBe(true);
      expect(await client.next()).toMatchObject({ name: 'chunk' });
    }
  });

  it('refuse a connection too many, until there is room', async () => {
    const { gateway, connect } = await start(carriage, { maxConnections: 1 });
    const first = await connect();
    await expect(connect()).rejects.toMatchObject({ status: 503, message: 'too many connections' });
    await first.close(1000);
    await gateway.disconnects.take();
    expect(await (await connect()).ask('echo', 'x')).toBe('utf8 x');
  });
});
