import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FakeServer, type FakeSocket } from './fake-server.js';
import type { WebwireClient } from 'nestjs-webwire/client';

const HEARTBEAT = '21';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  // First, as a spy on a fake timer puts the fake timer back.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Connects a client to a server with a read timeout of 1 000 ms, or that of the four bytes. */
async function connect(readTimeout = 'e8030000'): Promise<{ client: WebwireClient; socket: FakeSocket }> {
  const server = new FakeServer();
  const client = server.client({ requestTimeout: 100_000_000, livenessTimeout: Infinity });
  const connecting = client.connect();
  const socket = await server.accept(`170200${readTimeout}00200000`);
  await connecting;
  return { client, socket };
}

it('a client that sends nothing sends heartbeats at half of the read timeout', async () => {
  const { socket } = await connect();
  for (let count = 1; count <= 4; count++) {
    await vi.advanceTimersByTimeAsync(499);
    expect(socket.received.rest).toHaveLength(count - 1);
    await vi.advanceTimersByTimeAsync(1);
    expect(socket.received.rest).toEqual(Array(count).fill(HEARTBEAT));
  }
});

it('messages delay the next heartbeat', async () => {
  const { client, socket } = await connect();
  await vi.advanceTimersByTimeAsync(300);
  await client.signal('a');
  await vi.advanceTimersByTimeAsync(499);
  expect(socket.received.rest).toEqual(['3f0161']);
  await vi.advanceTimersByTimeAsync(1);
  expect(socket.received.rest).toEqual(['3f0161', HEARTBEAT]);
});

it('messages of the server do not', async () => {
  const { socket } = await connect();
  await vi.advanceTimersByTimeAsync(300);
  socket.say('400161');
  await vi.advanceTimersByTimeAsync(200);
  expect(socket.received.rest).toEqual([HEARTBEAT]);
});

it('a message costs no timer', async () => {
  const { client } = await connect();
  const timers = vi.spyOn(globalThis, 'setTimeout');
  for (let count = 0; count < 100; count++) await client.signal('a', undefined, { timeout: Infinity });
  expect(timers).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(1);
});

it('there are none after the end of the connection', async () => {
  const { client, socket } = await connect();
  await client.close();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(socket.received.rest).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('a read timeout of nothing does not make a client race', async () => {
  const { socket } = await connect('00000000');
  await vi.advanceTimersByTimeAsync(100);
  expect(socket.received.rest).toHaveLength(10);
});

it('a read timeout that is longer than timers are does not either', async () => {
  const { socket } = await connect('ffffffff');
  await vi.advanceTimersByTimeAsync(0x7fff_fffe);
  expect(socket.received.rest).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(socket.received.rest).toEqual([HEARTBEAT]);
});
