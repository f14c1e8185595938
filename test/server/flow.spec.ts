import {
  WebwireGateway,
  WebwireMessage,
  WebwireRequest,
  WebwireSignal,
  type Message,
  type WebwireModuleOptions,
} from 'nestjs-webwire';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Queue } from '../support/queue.js';
import { TestApp } from '../support/test-app.js';
import { describe as show, type WireClient } from '../support/wire-client.js';

const FIRST_CREDIT = 65_536;
/** What a message counts in addition to its length, in bytes. */
const OVERHEAD = 512;
const CANCEL = (id: number) => `wwr:cancel:${idOf(id)}`;

@WebwireGateway()
class Gateway {
  readonly started = new Queue<string>();

  /** Ends only when it is canceled. */
  @WebwireRequest('watch') async watch(@WebwireMessage() { abortSignal, payload }: Message) {
    this.started.push(payload.text());
    await once(abortSignal, 'abort');
  }
  @WebwireRequest('echo') echo(@WebwireMessage() { payload }: Message) {
    return payload;
  }
  @WebwireSignal('note') note(@WebwireMessage() { payload }: Message) {
    this.started.push(payload.text());
  }
}

async function start(options: WebwireModuleOptions = {}) {
  const app = await TestApp.start({ providers: [Gateway] }, { sessions: false, shutdownTimeout: 500, ...options });
  onTestFinished(() => app.close());
  const connected = once(app.app.getHttpServer() as Server, 'connection');
  const client = await app.connect();
  // Registered last, so done before the application closes, which waits for handlers of clients that are connected.
  onTestFinished(() => client.socket.terminate());
  const [socket] = (await connected) as [Socket];
  return { client, socket, gateway: app.get(Gateway) };
}

async function ask(client: WireClient, ...extensions: string[]): Promise<{ extensions: string[]; credit?: number }> {
  const answer = await client.ask('wwr:extensions', JSON.stringify({ extensions }));
  return JSON.parse(answer.slice('utf8 '.length)) as { extensions: string[]; credit?: number };
}

/** The count of a signal that grants more. */
async function granted(client: WireClient): Promise<number> {
  const text = show(await client.next());
  expect(text).toMatch(/^signal wwr:more utf8 \d+$/);
  return Number(text.split(' ').at(-1));
}

describe('the window for messages', () => {
  it.each([
    ['1 MiB by default', {}, 1_048_576],
    ['that of maxBufferedAmount', { maxBufferedAmount: 200_000 }, 200_000],
    ['1 MiB at most', { maxBufferedAmount: 2 ** 40 }, 1_048_576],
    ['16 message buffers at least', { messageBufferSize: 200_000 }, 3_200_000],
    ['64 KiB at least', { messageBufferSize: 1_000, maxBufferedAmount: 0 }, 65_536],
  ])('is %s', async (_size, options, size) => {
    const { client } = await start(options);
    expect(await ask(client, 'flow')).toEqual({
      extensions: ['flow'],
      streamWindow: 64,
      credit: size - FIRST_CREDIT,
    });
  });

  it('is unknown to clients that do not ask for it', async () => {
    const { client } = await start();
    expect(await ask(client, 'cancel')).toEqual({ extensions: ['cancel'], streamWindow: 64 });
    for (let n = 0; n < 3_000; n++) client.signal('note', 'x');
    expect(await client.ask('echo', 'x')).toBe('utf8 x');
  });

  it('opens by half when so much has been handled, whatever kind of message it was', async () => {
    const { client } = await start({ messageBufferSize: 1_100, maxBufferedAmount: 0 });
    await ask(client, 'flow');
    let sent = 0;
    let replies = 0;
    for (let count = 0; sent < FIRST_CREDIT / 2; count++) {
      sent += OVERHEAD;
      const name = 'x'.repeat(count % 5);
      const body = 'ä'.repeat(count % 7) || 'a';
      if (count % 3 === 0) {
        client.signal(name, body);
        sent += 2 + name.length + Buffer.byteLength(body);
        continue;
      }
      const request = count % 3 === 1 ? '1f0100000000000000' : '200100000000000000616263';
      client.sendBytes(request);
      sent += request.length / 2;
      replies++;
    }
    // The grant is sent when the last message is started, which may be before its reply.
    const messages = await Promise.all(Array.from({ length: replies + 1 }, () => client.next()));
    expect(messages.map(show).toSorted()).toEqual([
      ...Array.from({ length: replies }, () => 'sessions disabled'),
      `signal wwr:more utf8 ${sent}`,
    ]);
  });

  it('does not open for reserved messages, and counts padding', async () => {
    const { client } = await start({ messageBufferSize: 1_100, maxBufferedAmount: 0 });
    await ask(client, 'flow', 'ping');
    for (let n = 0; n < 1_000; n++) client.signal('wwr:cancel:0100000000000000', 'x');
    expect(await client.ask('wwr:ping')).toBe('binary');
    // A signal in UTF-16 whose name has an odd length, with padding.
    const signal = '410178006100';
    const length = signal.length / 2;
    const needed = Math.ceil(FIRST_CREDIT / 2 / (length + OVERHEAD));
    for (let n = 0; n < needed; n++) client.sendBytes(signal);
    expect(await granted(client)).toBe(needed * (length + OVERHEAD));
  });

  it('does not count what the client sent before it asked', async () => {
    const { client, gateway } = await start({
      concurrencyLimit: 1,
      messageBufferSize: 1_100,
      maxBufferedAmount: 0,
    });
    client.send('watch', 'runs');
    await gateway.started.take();
    for (let n = 0; n < 50; n++) client.signal('note', 'x');
    await ask(client, 'flow', 'cancel');
    for (let n = 0; n < 64; n++) client.signal('note', 'y');
    client.signal(CANCEL(1), 'x');
    expect(show(await client.next())).toMatch(/^error CANCELED/);
    const size = 2 + 4 + 1 + OVERHEAD;
    expect(await granted(client)).toBe(64 * size);
  });
});

describe('a client that asked for extensions, at its limit', () => {
  it('can cancel what runs, although many messages wait', async () => {
    const { client, gateway } = await start({ concurrencyLimit: 1 });
    await ask(client, 'cancel');
    for (let n = 0; n < 1_500; n++) client.send('watch', String(n));
    for (let n = 0; n < 1_500; n++) {
      expect(await gateway.started.take()).toBe(String(n));
      client.signal(CANCEL(n + 2), 'x');
      expect(show(await client.next())).toMatch(/^error CANCELED/);
    }
  });

  it('is read on after it asked while it was not read', async () => {
    const { client, gateway } = await start({ concurrencyLimit: 1 });
    client.send('watch', 'runs');
    await gateway.started.take();
    const { _socket: tcp } = client.socket as unknown as { _socket: Socket };
    tcp.cork();
    for (let n = 0; n < 100; n++) client.signal('note', String(n));
    client.send('wwr:extensions', '{"extensions":["cancel"]}');
    tcp.uncork();
    expect(show(await client.next())).toMatch(/^utf8 {"ext/);
    client.signal(CANCEL(1), 'x');
    expect(show(await client.next())).toMatch(/^error CANCELED/);
    for (let n = 0; n < 100; n++) expect(await gateway.started.take()).toBe(String(n));
  });

  it('is not read when it sends twice its window', async () => {
    const { client, gateway, socket } = await start({
      concurrencyLimit: 1,
      messageBufferSize: 1_100,
      maxBufferedAmount: 0,
    });
    await ask(client, 'flow', 'cancel');
    client.send('watch', 'runs');
    await gateway.started.take();
    const isPaused = once(socket, 'pause');
    for (let n = 0; n < 10_000; n++) client.signal('note', 'x'.repeat(1_000));
    await isPaused;
    expect(socket.bytesRead).toBeLessThan(2 * FIRST_CREDIT + 3 * 65_536);
  });
});

function idOf(n: number): string {
  const id = Buffer.alloc(8);
  id.writeUInt32LE(n);
  return id.toString('hex');
}
