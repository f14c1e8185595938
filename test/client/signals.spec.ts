import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Payload } from 'nestjs-webwire/client';
import { connected, FakeServer, nextTurn } from './fake-server.js';
import { outcome } from './outcome.js';

let server: FakeServer;

beforeEach(() => {
  server = new FakeServer();
});

describe('signal()', () => {
  it.each([
    ['text', 'hi', '40 01 61 6869'],
    ['bytes', Uint8Array.of(1), '3f 01 61 01'],
    ['nothing', undefined, '3f 01 61'],
    ['UTF-16', Payload.utf16('hi'), '41 01 61 00 68006900'],
    ['UTF-16 that is empty', Payload.utf16(''), '40 01 61'],
  ])('sends %s', async (_what, body, hex) => {
    const { client, socket } = await connected(server);
    await client.signal('a', body);
    expect(await socket.received.take()).toBe(hex.replaceAll(' ', ''));
  });

  it('waits for a connection, but not longer than a request would', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const client = server.client({ requestTimeout: 100 });
    const failing = outcome(client.signal('a'));
    await vi.advanceTimersByTimeAsync(100);
    expect(await failing).toBe('TIMEOUT: timeout after 100 ms: no connection: still connecting to ws://localhost/');
    const waiting = client.signal('b');
    await server.dialed();
    await server.accept();
    await waiting;
  });

  it('fails for a name or body that cannot be sent', async () => {
    const { client, socket } = await connected(server);
    expect(await outcome(client.signal('', undefined))).toBe('EMPTY_FIELD: EMPTY_FIELD at byte 1');
    expect(await outcome(client.signal('a', 'x'.repeat(8_190)))).toMatch(
      'BUFFER_OVERFLOW: a message of 8193 bytes does not fit',
    );
    expect(socket.received.rest).toEqual([]);
  });

  it('does not wait for the network: the user can read bufferedAmount', async () => {
    const { client, socket } = await connected(server);
    socket.bufferedAmount = 70_000;
    expect(client.bufferedAmount).toBe(70_000);
  });
});

describe('onSignal()', () => {
  it('hands signals to the handlers of their names, and to those of all', async () => {
    const { client, socket } = await connected(server);
    const heard: string[] = [];
    client.onSignal('a', (payload, name) => heard.push(`one ${name} ${payload.text()}`));
    client.onSignal((payload, name) => heard.push(`all ${name} ${payload.text()}`));
    client.onSignal('', (payload) => heard.push(`nameless ${payload.text()}`));
    socket.say('4001616869');
    socket.say('3f01626869');
    socket.say('410163006800');
    socket.say('40006869');
    await nextTurn();
    expect(heard).toEqual(['one a hi', 'all a hi', 'all b hi', 'all c h', 'all  hi', 'nameless hi']);
  });

  it('returns a function that removes this handler only', async () => {
    const { client, socket } = await connected(server);
    const handler = vi.fn<(...args: unknown[]) => void>();
    const stop = client.onSignal('a', handler);
    client.onSignal('a', handler);
    stop();
    stop();
    socket.say('400161');
    expect(handler).toHaveBeenCalledTimes(1);
  });

  it('allows handlers to be added and removed by handlers', async () => {
    const { client, socket } = await connected(server);
    const heard: string[] = [];
    const stop = client.onSignal('a', () => {
      heard.push('first');
      stop();
      client.onSignal('a', () => heard.push('new'));
    });
    client.onSignal('a', () => heard.push('second'));
    socket.say('400161');
    socket.say('400161');
    await nextTurn();
    expect(heard).toEqual(['first', 'second', 'second', 'new']);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('oops');
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('oops');
      },
    ],
  ])('emits an error for a handler that %s, and calls the others', async (_how, handler) => {
    const { client, socket } = await connected(server);
    const errors: unknown[] = [];
    client.on('error', ({ error }) => errors.push(error));
    const next = vi.fn<(...args: unknown[]) => void>();
    client.onSignal('a', handler);
    client.onSignal('a', next);
    socket.say('400161');
    await vi.waitFor(() => expect(errors).toEqual([new Error('oops')]));
    expect(next).toHaveBeenCalledOnce();
    expect(client.status).toBe('connected');
  });

  it('writes errors to the console without an error listener', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => log.mockRestore());
    const { client, socket } = await connected(server);
    client.onSignal(() => {
      throw new Error('oops');
    });
    socket.say('400161');
    expect(log.mock.calls).toEqual([[new Error('oops')]]);
  });

  it('does not call an error listener for its own error', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    onTestFinished(() => log.mockRestore());
    const { client, socket } = await connected(server);
    client.on('error', () => {
      throw new Error('again');
    });
    client.onSignal(() => {
      throw new Error('oops');
    });
    socket.say('400161');
    expect(log.mock.calls).toEqual([[new Error('again')]]);
  });
});
