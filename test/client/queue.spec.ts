import { expect, it } from 'vitest';
import { QueueFullError } from 'nestjs-webwire/client';
import { connected, FakeServer, hexId } from './fake-server.js';
import { outcome } from './outcome.js';

const FULL =
  'QUEUE_FULL: 2 requests and signals wait for a connection to ws://localhost/, as many as maxQueuedRequests allows';

it('no more requests and signals wait for a connection than `maxQueuedRequests`', async () => {
  const server = new FakeServer();
  const client = server.client({ maxQueuedRequests: 2 });
  void client.connect();
  const waiting = [outcome(client.request('a')), client.signal('b')];
  expect([await outcome(client.request('c')), await outcome(client.signal('d'))]).toEqual([FULL, FULL]);
  expect(client.pendingRequests).toBe(1);
  const socket = await server.accept();
  await waiting[1];
  expect(socket.received.rest).toHaveLength(2);
});

it('a canceled request leaves the queue, and one that is sent does not count', async () => {
  const server = new FakeServer();
  const client = server.client({ maxQueuedRequests: 1 });
  const abort = new AbortController();
  const given = outcome(client.request('a', undefined, { signal: abort.signal }));
  expect(await outcome(client.request('b'))).toMatch('QUEUE_FULL');
  void client.connect().catch(() => undefined);
  abort.abort();
  await given;
  const sent = client.signal('c');
  await server.accept();
  await sent;
  for (let count = 0; count < 5; count++) await client.signal('d');
});

it('the error of a full queue has the reason for the missing connection', async () => {
  const server = new FakeServer();
  const client = server.client({ maxQueuedRequests: 1 });
  void client.request('a').catch(() => undefined);
  (await server.dialed()).end(1006, '', new Error('no route'));
  const error = await client.request('b').catch((failure: Error) => failure);
  expect(error).toBeInstanceOf(QueueFullError);
  expect((error as Error).message).toContain('"no route"');
});

it('a thousand wait by default', async () => {
  const client = new FakeServer().client();
  const outcomes = Array.from({ length: 1_001 }, () => outcome(client.signal('a')));
  expect(await outcomes[1_000]).toMatch('QUEUE_FULL');
  await client.close();
  expect(await outcomes[999]).toMatch('DISCONNECTED');
});

it('messages that a connection held back fail when it is lost, if the client does not reconnect', async () => {
  const { client, socket } = await connected(new FakeServer(), { reconnect: false });
  const signals = Array.from({ length: 300 }, () => outcome(client.signal('x')));
  expect(socket.received.rest.length).toBeLessThan(300);
  socket.end(1006, '');
  expect((await Promise.all(signals)).at(-1)).toMatch('DISCONNECTED');
  expect(client.status).toBe('disconnected');
});

it('a server without the extension `flow` limits nothing, whatever credit it names', async () => {
  const { client, socket } = await connected(new FakeServer());
  const signals = Array.from({ length: 300 }, () => outcome(client.signal('x')));
  const answer = Buffer.from('{"extensions":["cancel"],"streamWindow":64,"credit":0}').toString('hex');
  socket.say(`c0${hexId(0)}${answer}`);
  expect(await Promise.all(signals)).toEqual(signals.map(() => undefined));
});
