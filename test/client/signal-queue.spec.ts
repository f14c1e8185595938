import * as z from 'zod';
import { beforeEach, describe, expect, it } from 'vitest';
import { InvalidOptionError, WebwireClient } from 'nestjs-webwire/client';
import { defineContract } from 'nestjs-webwire/contract';
import { connected, FakeServer, nextTurn, type FakeSocket } from './fake-server.js';
import { outcome } from './outcome.js';

let server: FakeServer;

beforeEach(() => {
  server = new FakeServer();
});

async function send(socket: FakeSocket, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    socket.say(`4004${Buffer.from(`news${text}`).toString('hex')}`);
    await nextTurn();
  }
}

async function takeAll(signals: AsyncIterable<{ text(): string }>): Promise<string[]> {
  const texts: string[] = [];
  for await (const payload of signals) texts.push(payload.text());
  return texts;
}

describe('signals()', () => {
  it('yields the signals with the name in order, also those that came before the loop', async () => {
    const { client, socket } = await connected(server);
    const signals = client.signals('news');
    await send(socket, 'a', 'b');
    socket.say(`4004${Buffer.from('othr?').toString('hex')}`);
    const texts: string[] = [];
    for await (const payload of signals) {
      texts.push(payload.text());
      if (payload.text() === 'b') void send(socket, 'c', 'd');
      if (payload.text() === 'd') break;
    }
    expect(texts).toEqual(['a', 'b', 'c', 'd']);
  });

  it('goes on with the next connection', async () => {
    const { client, socket } = await connected(server, { reconnect: { minDelay: 1, maxDelay: 1 } });
    const all = takeAll(client.signals('news'));
    await send(socket, 'a');
    socket.end();
    await send(await server.accept(), 'b');
    await client.close();
    expect(await all).toEqual(['a', 'b']);
  });

  it('ends with the client, after the signals that wait', async () => {
    const { client, socket } = await connected(server);
    const signals = client.signals('news');
    const pending = client.signals('news').next();
    await send(socket, 'a', 'b');
    await client.close();
    expect(await takeAll(signals)).toEqual(['a', 'b']);
    expect((await pending).value?.text()).toBe('a');
    expect(await takeAll(client.signals('news'))).toEqual([]);
  });

  it('ends with a QueueFullError at its bound, after the signals that wait', async () => {
    const { client, socket } = await connected(server);
    const signals = client.signals('news', { maxQueued: 2 });
    await send(socket, 'a', 'b', 'c', 'd');
    const texts: string[] = [];
    const ended = (async () => {
      for await (const payload of signals) texts.push(payload.text());
    })();
    expect(await outcome(ended)).toBe('QUEUE_FULL: 2 signals "news" wait, as many as maxQueued allows');
    expect(texts).toEqual(['a', 'b']);
  });

  it('has a bound of 1 000 signals by default', async () => {
    const { client, socket } = await connected(server);
    const signals = client.signals('news');
    for (let i = 0; i <= 1_000; i++) socket.say('40046e65777361');
    for (let i = 0; i <= 1_000; i++) await nextTurn();
    for (let i = 0; i < 1_000; i++) expect((await signals.next()).done).toBe(false);
    expect(await outcome(signals.next())).toMatch('QUEUE_FULL');
  });

  it('ends with a CanceledError when its signal is aborted', async () => {
    const { client, socket } = await connected(server);
    const abort = new AbortController();
    const signals = client.signals('news', { signal: abort.signal });
    await send(socket, 'a');
    expect((await signals.next()).value?.text()).toBe('a');
    const pending = outcome(signals.next());
    abort.abort('enough');
    expect(await pending).toMatch(/^CANCELED/);
    await expect(client.signals('news', { signal: abort.signal }).next()).rejects.toMatchObject({ cause: 'enough' });
  });

  it('stops the collection when the loop is left, when it was never started, and while next() is pending', async () => {
    const { client, socket } = await connected(server);
    const [left, unused, pending] = [client.signals('news'), client.signals('news'), client.signals('news')];
    await send(socket, 'a');
    for await (const _ of left) break;
    await unused.return(undefined);
    await pending.next();
    const next = pending.next();
    await pending.return(undefined);
    expect(await next).toEqual({ done: true, value: undefined });
    await send(socket, 'b');
    for (const signals of [left, unused, pending]) expect(await signals.next()).toMatchObject({ done: true });
  });

  it('leaves out what does not fit the contract, which is an event `error`', async () => {
    const contract = defineContract({ serverSignals: { news: { body: z.object({ id: z.number() }) } } });
    const client = new WebwireClient('ws://localhost', { contract, webSocket: server.webSocket });
    const errors: unknown[] = [];
    client.on('error', ({ error }) => errors.push(error));
    const connecting = client.connect();
    const socket = await server.accept();
    await connecting;
    const signals = client.signals('news');
    await send(socket, '{"id":"no"}', '{"id":1}');
    const { value } = await signals.next();
    const id: number | undefined = value?.body.id;
    expect([id, errors.length]).toEqual([1, 1]);
    await client.close();
    socket.end();
  });

  it.each([{ maxQueued: 0 }, { maxQueued: '5' }, { signal: {} }, { timeout: 5 }])(
    'rejects the options %j',
    (options) => {
      const client = server.client();
      expect(() => client.signals('news', options as never)).toThrow(InvalidOptionError);
    },
  );
});
