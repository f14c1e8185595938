import { expect, it } from 'vitest';
import { connected, FakeServer, nextTurn, replyUtf8, type FakeSocket } from './fake-server.js';

const SIGNAL = '400161';
const SESSION = `15${Buffer.from('{"k":"key","c":"2026-11-22T08:38:04Z","l":"2026-11-22T08:38:04Z"}').toString('hex')}`;

/** Awaits a promise with many microtasks, as wrappers of a client may. */
async function wrapped<Result>(promise: Promise<Result>, depth = 20): Promise<Result> {
  return depth === 0 ? await promise : await wrapped(promise, depth - 1);
}

/** Resolves when the client has processed all received messages. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

it.each([
  ['a signal', (socket: FakeSocket) => socket.say(SIGNAL), 'signal'],
  ['a new session', (socket: FakeSocket) => socket.say(SESSION), 'sessionCreated'],
  ['the end of the connection', (socket: FakeSocket) => socket.end(1001), 'disconnected'],
  ['text, which breaks the protocol', (socket: FakeSocket) => socket.deliver('text'), 'disconnected'],
])('an awaited request continues before %s that arrived behind its reply', async (_what, say, event) => {
  const { client, socket } = await connected(new FakeServer());
  const seen: string[] = [];
  client.onSignal(() => seen.push('signal'));
  client.on('sessionCreated', () => seen.push('sessionCreated'));
  client.on('disconnected', () => seen.push('disconnected'));
  const { signal } = new AbortController();
  void client.request('a').then(() => seen.push('direct'));
  void client.request('b', undefined, { signal, timeout: 1_000 }).then(() => seen.push('with options'));
  void wrapped(client.request('c')).then(() => seen.push('wrapped'));
  for (const id of [1, 2, 3]) socket.say(replyUtf8(id));
  say(socket);
  await settle();
  expect(seen).toEqual(['direct', 'with options', 'wrapped', event]);
});

it('an awaited request continues before the continuation of the next reply', async () => {
  const { client, socket } = await connected(new FakeServer());
  const seen: string[] = [];
  void wrapped(client.request('a')).then(() => seen.push('first'));
  void client.request('b').then(() => seen.push('second'));
  socket.say(replyUtf8(1));
  socket.say(replyUtf8(2));
  await settle();
  expect(seen).toEqual(['first', 'second']);
});

it('an awaited signal continues before the next signal, so that its handler can be added in time', async () => {
  const { client, socket } = await connected(new FakeServer());
  const seen: string[] = [];
  const ready = new Promise<void>((resolve) => {
    client.onSignal('a', () => resolve());
  });
  void wrapped(ready).then(() => client.onSignal('b', () => seen.push('b')));
  socket.say(SIGNAL);
  socket.say('400162');
  await settle();
  expect(seen).toEqual(['b']);
});

it('connect() continues before a signal that arrived together with the first message of the server', async () => {
  const server = new FakeServer();
  const client = server.client();
  const seen: string[] = [];
  const connecting = wrapped(client.connect()).then(() => client.onSignal('a', () => seen.push('signal')));
  const socket = (await server.dialed()).accept();
  socket.say(SIGNAL);
  await connecting;
  await settle();
  expect(seen).toEqual(['signal']);
});

it('all messages that arrived are seen before `disconnected`', async () => {
  const { client, socket } = await connected(new FakeServer(), { reconnect: false });
  const seen: string[] = [];
  client.onSignal(() => seen.push('signal'));
  client.on('disconnected', () => seen.push('disconnected'));
  const reply = client.request('a').then(() => seen.push('reply'));
  for (let count = 0; count < 5; count++) socket.say(SIGNAL);
  socket.say(replyUtf8(1));
  socket.end();
  await reply;
  await settle();
  expect(seen).toEqual([...Array(5).fill('signal'), 'reply', 'disconnected']);
});

it('a message that arrives alone is seen at once', async () => {
  const { client, socket } = await connected(new FakeServer());
  const seen: string[] = [];
  client.onSignal((_payload, name) => seen.push(name));
  socket.say(SIGNAL);
  expect(seen).toEqual(['a']);
  await nextTurn();
  socket.say('400162');
  expect(seen).toEqual(['a', 'b']);
});

it('a thousand messages that arrive together are processed in one round of the event loop', async () => {
  const { client, socket } = await connected(new FakeServer());
  let count = 0;
  client.onSignal(() => count++);
  for (let index = 0; index < 1_000; index++) socket.say(SIGNAL);
  await nextTurn();
  expect(count).toBe(1_000);
});
