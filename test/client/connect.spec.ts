import { setImmediate } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { WebwireClient, type ClientOptions } from 'nestjs-webwire/client';
import { ACCEPT_CONF, FakeServer } from './fake-server.js';
import { outcome } from './outcome.js';

let server: FakeServer;

beforeEach(() => {
  server = new FakeServer();
});

function createClient(options: ClientOptions = {}): WebwireClient {
  return server.client(options, 'ws://localhost:3000/chat');
}

function useFakeTimers(): void {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
}

describe('connect()', () => {
  it('resolves when the first message of the server was received', async () => {
    const client = createClient();
    const connecting = client.connect();
    expect(client.status).toBe('connecting');
    const socket = await server.dialed();
    expect(socket).toMatchObject({ url: 'ws://localhost:3000/chat', binaryType: 'arraybuffer' });
    socket.open();
    await setImmediate();
    expect(client.status).toBe('connecting');

    socket.say(ACCEPT_CONF);
    await connecting;
    expect(client.status).toBe('connected');
  });

  it('shares a running attempt, and resolves immediately when connected', async () => {
    const client = createClient();
    const connecting = [client.connect(), client.connect()];
    await server.accept();
    await Promise.all(connecting);
    await client.connect();
    expect(server.dials).toBe(1);
  });

  it('rejects with the reason if the server cannot be reached, and does not try again', async () => {
    useFakeTimers();
    const client = createClient();
    const connecting = outcome(client.connect());
    const cause = new Error('connect ECONNREFUSED');
    const failing = client.connect().catch((error: Error) => error);
    (await server.dialed()).end(1006, '', cause);
    expect(await connecting).toBe(
      'DISCONNECTED: could not connect to ws://localhost:3000/chat (after 0 ms): "connect ECONNREFUSED"',
    );
    expect(await failing).toMatchObject({ name: 'DisconnectedError', closeCode: 1006, reason: '', cause });
    expect(client.status).toBe('disconnected');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects when a socket cannot even be made', async () => {
    const cause = new SyntaxError('bad URL');
    class Broken {
      constructor() {
        throw cause;
      }
    }
    const client = createClient({ webSocket: Broken as never });
    await expect(client.connect()).rejects.toMatchObject({ code: 'DISCONNECTED', cause });
  });

  it.each([
    ['does not open', 'could not connect to ws://localhost:3000/chat within 300 ms: nothing answers there'],
    [
      'opens and stays silent',
      'could not connect to ws://localhost:3000/chat within 300 ms: the server sent no first message',
    ],
  ])('rejects after the dial timeout if the server %s', async (how, message) => {
    useFakeTimers();
    const client = createClient({ dialTimeout: 300 });
    const connecting = outcome(client.connect());
    const socket = await server.dialed();
    if (how !== 'does not open') socket.open();
    await vi.advanceTimersByTimeAsync(299);
    expect(client.status).toBe('connecting');
    await vi.advanceTimersByTimeAsync(1);
    expect(await connecting).toBe(`DIAL_TIMEOUT: ${message}`);
    expect(await socket.closed.take()).toBe('1000');
  });

  it('ignores a server that accepts after the dial timeout', async () => {
    useFakeTimers();
    const client = createClient({ dialTimeout: 300 });
    const connecting = outcome(client.connect());
    const socket = await server.dialed();
    socket.answersClose = false;
    await vi.advanceTimersByTimeAsync(300);
    await connecting;
    socket.accept();
    expect(client.status).toBe('disconnected');
    await vi.advanceTimersByTimeAsync(2_000);
    expect([...socket.closed.rest]).toEqual(['1000', 'terminated']);
  });

  it.each([
    ['1703000 60ea0000 00200000', 'INCOMPATIBLE_PROTOCOL_VERSION: the server at URL speaks WebWire 3, this client 2'],
    [
      '170200 60ea0000 00200000 63686174',
      'SUB_PROTOCOL_MISMATCH: the server at URL speaks the sub-protocol "chat", but the option subProtocolName is ""',
    ],
    [
      '170200 60ea0000 00200000 0a',
      'SUB_PROTOCOL_MISMATCH: the server at URL speaks the sub-protocol "\\n", but the option subProtocolName is ""',
    ],
  ])('rejects a server that announces %s', async (conf, error) => {
    const client = createClient();
    const connecting = outcome(client.connect());
    const socket = await server.accept(conf.replace('1703000', '170300').replaceAll(' ', ''));
    expect(await connecting).toBe(error.replace('URL', 'ws://localhost:3000/chat'));
    expect(await socket.closed.take()).toBe('1000');
    expect(client.status).toBe('disconnected');
  });

  it('accepts a later minor version, and the configured sub-protocol', async () => {
    const client = createClient({ subProtocolName: 'chat-v1' });
    const connecting = client.connect();
    await server.accept('17020160ea000000200000636861742d7631');
    await connecting;
  });

  it('rejects when it is canceled, and ends the attempt if no other operation needs it', async () => {
    const client = createClient();
    const abort = new AbortController();
    const connecting = client.connect({ signal: abort.signal });
    const socket = await server.dialed();
    abort.abort('changed my mind');
    await expect(connecting).rejects.toMatchObject({ code: 'CANCELED', cause: 'changed my mind' });
    expect(await socket.closed.take()).toBe('1000');
    expect(client.status).toBe('disconnected');
  });

  it('does not end an attempt that other operations need', async () => {
    const client = createClient();
    const abort = new AbortController();
    const canceled = outcome(client.connect({ signal: abort.signal }));
    const connecting = client.connect();
    abort.abort();
    expect(await canceled).toBe('CANCELED: canceled');
    await server.accept();
    await connecting;
  });

  it('does not dial for a signal that is aborted already', async () => {
    const client = createClient();
    expect(await outcome(client.connect({ signal: AbortSignal.abort() }))).toBe('CANCELED: canceled');
    expect(server.dials).toBe(0);
  });

  it('can be tried again', async () => {
    const client = createClient();
    const failed = outcome(client.connect());
    (await server.dialed()).end();
    await failed;
    const connecting = client.connect();
    await server.accept();
    await connecting;
  });

  it('tries again with `retry`, until it is canceled', async () => {
    useFakeTimers();
    const client = createClient({ reconnect: { minDelay: 100, jitter: 0 } });
    const abort = new AbortController();
    const connecting = outcome(client.connect({ retry: true, signal: abort.signal }));
    for (const delay of [100, 200, 400]) {
      (await server.dialed()).end();
      expect(client.status).toBe('reconnecting');
      await vi.advanceTimersByTimeAsync(delay - 1);
      expect(server.sockets.rest).toEqual([]);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(server.dials).toBe(4);
    (await server.dialed()).end();
    abort.abort();
    expect(await connecting).toBe('CANCELED: canceled');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the option webSocket', () => {
  it.each<[string, (client: WebwireClient) => Promise<unknown>]>([
    ['connect()', (client) => client.connect()],
    ['connect({ retry: true })', (client) => client.connect({ retry: true })],
    ['request()', (client) => client.request('greet')],
    ['signal()', (client) => client.signal('typing')],
    ['stream()', (client) => client.stream('ticks').next()],
    ['restoreSession()', (client) => client.restoreSession('key')],
  ])('has to be given for %s where the platform has none', async (_name, use) => {
    vi.stubGlobal('WebSocket', undefined);
    onTestFinished(() => void vi.unstubAllGlobals());
    const retryOn = vi.fn<() => boolean>(() => true);
    const client = new WebwireClient(async () => 'ws://localhost', { headers: { authorization: 'a' }, retryOn });
    expect(await outcome(use(client))).toBe(
      'INVALID_OPTION: WebWire option webSocket is "undefined", but must be a constructor: pass WebSocket of the package ws',
    );
    expect(client.getSnapshot()).toMatchObject({ status: 'disconnected', error: { code: 'INVALID_OPTION' } });
    expect(retryOn).not.toHaveBeenCalled();
    await client.close();
  });

  it('defaults to one that the platform got after the client was made', async () => {
    onTestFinished(() => void vi.unstubAllGlobals());
    vi.stubGlobal('WebSocket', undefined);
    const client = new WebwireClient('ws://localhost');
    expect(await outcome(client.connect())).toMatch(/^INVALID_OPTION/);
    vi.stubGlobal('WebSocket', server.webSocket);
    const connecting = client.connect();
    await server.accept();
    await connecting;
    await client.close();
  });

  it('defaults to that of the platform', async () => {
    vi.stubGlobal('WebSocket', server.webSocket);
    onTestFinished(() => void vi.unstubAllGlobals());
    const client = new WebwireClient('ws://localhost');
    const connecting = client.connect();
    await server.accept();
    await connecting;
    await client.close();
  });
});
