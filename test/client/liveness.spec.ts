import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClientOptions, OperationOptions, WebwireClient } from 'nestjs-webwire/client';
import { FakeServer, hexId, type FakeSocket } from './fake-server.js';

const HEARTBEAT = '21';
const PING = `7f${hexId(0)}087777723a70696e67`;
const PONG = `bf${hexId(0)}`;
const BUSY = '3f087777723a62757379';
const ANSWER = `c0${hexId(0)}${Buffer.from('{"extensions":["ping"],"streamWindow":64}').toString('hex')}`;
const NOT_FOUND = `00${hexId(0)}094e4f545f464f554e44`;
const isQuestion = (hex: string) => hex.startsWith(`80${hexId(0)}0e`);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

let server: FakeServer;
let client: WebwireClient;
let ends: string[];
/** Number of messages that `sent()` has returned, heartbeats included. */
let seen = 0;

async function connect(options: ClientOptions = {}): Promise<FakeSocket> {
  server = new FakeServer();
  ends = [];
  seen = 0;
  client = server.client(options);
  client.on('disconnected', ({ error }) => ends.push(error.message));
  const connecting = client.connect();
  const socket = await server.accept();
  await connecting;
  return socket;
}

/** The messages that the client has sent since the last call, without heartbeats. */
function sent(socket: FakeSocket): string[] {
  const messages = socket.received.rest.slice(seen);
  seen += messages.length;
  return messages.filter((hex) => hex !== HEARTBEAT);
}

describe('a silent server', () => {
  it('is asked for extensions after livenessTimeout, and left when it does not answer', async () => {
    const socket = await connect();
    await vi.advanceTimersByTimeAsync(29_999);
    expect(sent(socket)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent(socket).map(isQuestion)).toEqual([true]);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toEqual([expect.stringContaining('the server does not respond')]);
    expect(client.status).toBe('reconnecting');
  });

  it('is pinged again and again', async () => {
    const socket = await connect({ livenessTimeout: 1_000, dialTimeout: 500 });
    await vi.advanceTimersByTimeAsync(1_000);
    sent(socket);
    socket.say(ANSWER);
    for (let count = 0; count < 10; count++) {
      await vi.advanceTimersByTimeAsync(1_000);
      expect(sent(socket)).toEqual([PING]);
      await vi.advanceTimersByTimeAsync(400);
      socket.say(PONG);
    }
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_499);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toHaveLength(1);
  });

  it('rejects the requests in flight', async () => {
    const socket = await connect();
    const request = client.request('x', 'y').catch((error: { code: string }) => error.code);
    await vi.advanceTimersByTimeAsync(35_000);
    expect(await request).toBe('DISCONNECTED');
    expect(socket.closed.rest).toEqual(['1000']);
  });

  it.each<[string, () => OperationOptions]>([
    ['timeout', () => ({ timeout: 1_000 })],
    ['deadline', () => ({ deadline: new Date(Date.now() + 1_000) })],
  ])('is checked as soon as the %s of a request is over', async (_, options) => {
    const socket = await connect();
    const request = client.request('x', 'y', options()).catch((error: { code: string }) => error.code);
    await vi.advanceTimersByTimeAsync(999);
    expect(sent(socket)).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent(socket).map(isQuestion)).toEqual([true, false]);
    expect(await request).toMatch(/TIMEOUT|DEADLINE_EXCEEDED/);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(ends).toEqual([expect.stringContaining('the server does not respond')]);
  });

  it('is pinged for requests that time out, once until it sends anything', async () => {
    const socket = await connect();
    const requests = [1, 2, 3].map((timeout) => client.request('x', 'y', { timeout }).catch(() => undefined));
    sent(socket);
    await vi.advanceTimersByTimeAsync(1);
    socket.say(ANSWER);
    sent(socket);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent(socket).filter((hex) => hex === PING)).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(sent(socket).filter((hex) => hex === PING)).toEqual([]);
    socket.say(PONG);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(ends).toEqual([]);
    await Promise.all(requests);
  });

  it('is not pinged when the application gives a request and a stream up', async () => {
    const socket = await connect();
    const controller = new AbortController();
    const { signal } = controller;
    const request = client.request('x', 'y', { signal }).catch((error: { code: string }) => error.code);
    const item = client
      .stream('s', 'y', { signal })
      .next()
      .catch((error: { code: string }) => error.code);
    socket.say(ANSWER);
    sent(socket);
    controller.abort();
    expect(await request).toBe('CANCELED');
    expect(await item).toBe('CANCELED');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent(socket).filter((hex) => hex === PING)).toEqual([]);
  });

  it('is not left when it sends anything', async () => {
    const socket = await connect({ livenessTimeout: 1_000, dialTimeout: 500 });
    for (let count = 0; count < 10; count++) {
      await vi.advanceTimersByTimeAsync(900);
      socket.say('400161');
    }
    expect(sent(socket)).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_400);
    socket.say('400161');
    await vi.advanceTimersByTimeAsync(200);
    expect(ends).toEqual([]);
  });

  it('is not left if it has no extensions', async () => {
    const socket = await connect();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(sent(socket).map(isQuestion)).toEqual([true]);
    socket.say(NOT_FOUND);
    await vi.advanceTimersByTimeAsync(500_000);
    expect(sent(socket)).toEqual([]);
    expect(ends).toEqual([]);
  });

  it('is not pinged before it has answered the question, as its answers could not be told apart', async () => {
    const socket = await connect({ livenessTimeout: 1_000, dialTimeout: 500 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent(socket).map(isQuestion)).toEqual([true]);
    socket.say('400161');
    await vi.advanceTimersByTimeAsync(1_200);
    expect(sent(socket)).toEqual([]);
    socket.say(NOT_FOUND);
    await vi.advanceTimersByTimeAsync(500_000);
    expect(sent(socket)).toEqual([]);
    expect(ends).toEqual([]);
  });

  it('is not left while it is busy', async () => {
    const socket = await connect({ livenessTimeout: 1_000, dialTimeout: 500 });
    await vi.advanceTimersByTimeAsync(1_000);
    socket.say(ANSWER);
    sent(socket);
    for (let count = 0; count < 5; count++) {
      socket.say(BUSY);
      await vi.advanceTimersByTimeAsync(10_000);
    }
    expect(sent(socket)).toEqual([]);
    expect(ends).toEqual([]);
    await vi.advanceTimersByTimeAsync(10_500);
    expect(ends).toHaveLength(1);
  });

  it.each([{ livenessTimeout: Infinity }, { extensions: false }])('is not checked with %j', async (options) => {
    const socket = await connect(options);
    const request = client.request('x', 'y', { timeout: 1_000 }).catch(() => undefined);
    sent(socket);
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(sent(socket).filter((hex) => hex === PING)).toEqual([]);
    expect(ends).toEqual([]);
    await request;
  });

  it('is not checked while the client closes', async () => {
    const socket = await connect({ livenessTimeout: 100, dialTimeout: 100 });
    socket.answersClose = false;
    const closed = client.close();
    await vi.advanceTimersByTimeAsync(2_000);
    await closed;
    expect(sent(socket)).toEqual([]);
  });
});

it('a client asks before a server that does not answer may stop reading', async () => {
  const socket = await connect();
  for (let count = 0; count < 50; count++) await client.signal('a');
  expect(sent(socket).map(isQuestion).filter(Boolean)).toHaveLength(1);
});

it('a client that was blocked receives what has arrived before it judges', async () => {
  const socket = await connect({ livenessTimeout: 1_000, dialTimeout: 500 });
  await vi.advanceTimersByTimeAsync(1_000);
  socket.say(ANSWER);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent(socket)).toHaveLength(2);
  vi.setSystemTime(Date.now() + 60_000);
  await vi.advanceTimersByTimeAsync(250);
  socket.say(PONG);
  await vi.advanceTimersByTimeAsync(900);
  expect(ends).toEqual([]);
});

describe('in a web page', () => {
  const listeners = new Map<string, (event: object) => void>();
  beforeEach(() => {
    vi.stubGlobal('document', {});
    vi.stubGlobal('addEventListener', (type: string, listener: () => void) => listeners.set(type, listener));
    vi.stubGlobal('removeEventListener', (type: string) => listeners.delete(type));
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    listeners.clear();
  });

  it.each(['online', 'offline', 'pageshow', 'visibilitychange'])(
    'the event %s makes it check at once',
    async (type) => {
      const socket = await connect();
      listeners.get(type)!({});
      expect(sent(socket).map(isQuestion)).toEqual([true]);
      await vi.advanceTimersByTimeAsync(5_000);
      expect(ends).toHaveLength(1);
    },
  );

  it('the client tries again at once', async () => {
    const socket = await connect({ reconnect: { minDelay: 10_000, jitter: 0 } });
    socket.end();
    await vi.advanceTimersByTimeAsync(10);
    expect(server.dials).toBe(1);
    listeners.get('online')!({});
    expect(server.dials).toBe(2);
  });

  it('a closed client listens to nothing', async () => {
    await connect();
    await client.close();
    expect([...listeners.keys()].filter((type) => type !== 'storage')).toEqual([]);
  });
});
